//! Label selectors in the notation of Kubernetes: `tier=gold,zone in (a, b),!old`.

use kube::core::{Expression, Selector};
use std::collections::BTreeSet;

/// Terms of a selector; more is nobody's wish.
const TERMS_MAX: usize = 64;

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSelector {
    /// A term makes no sense.
    #[error(
        "`{0}` is no label selector: write name=value, name!=value, name in (a,b), name notin (a,b), name or !name"
    )]
    Term(String),
    /// There are too many terms.
    #[error("the label selector has more than {TERMS_MAX} terms")]
    Long,
}

/// Reads a selector; an empty text takes all.
pub fn selector(text: &str) -> Result<Selector, NoSelector> {
    let mut expressions = Vec::new();
    for term in terms(text) {
        if expressions.len() == TERMS_MAX {
            return Err(NoSelector::Long);
        }
        expressions.push(expression(term.trim()).ok_or_else(|| NoSelector::Term(term.trim().to_owned()))?);
    }
    Ok(expressions.into_iter().collect())
}

/// The terms between commas, but for commas in parentheses.
fn terms(text: &str) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut inside = false;
    text.split(move |sign| {
        inside = (inside || sign == '(') && sign != ')';
        sign == ',' && !inside
    })
    .collect()
}

fn expression(term: &str) -> Option<Expression> {
    if let Some(key) = term.strip_prefix('!') {
        return Some(Expression::DoesNotExist(key_of(key)?));
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Some(Expression::NotEqual(key_of(key)?, value_of(value)?));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Some(Expression::Equal(key_of(key)?, value_of(value)?));
    }
    let Some((key, set)) = term.split_once(char::is_whitespace) else {
        return Some(Expression::Exists(key_of(term)?));
    };
    let (key, set) = (key_of(key)?, set.trim());
    match (set.strip_prefix("in"), set.strip_prefix("notin")) {
        (Some(set), _) => Some(Expression::In(key, values(set)?)),
        (None, Some(set)) => Some(Expression::NotIn(key, values(set)?)),
        (None, None) => None,
    }
}

fn values(set: &str) -> Option<BTreeSet<String>> {
    let inner = set.trim().strip_prefix('(')?.strip_suffix(')')?;
    inner.split(',').map(value_of).collect()
}

fn key_of(text: &str) -> Option<String> {
    let text = text.trim();
    let of_a_name = |sign: char| sign.is_ascii_alphanumeric() || "-_./".contains(sign);
    (!text.is_empty() && text.chars().all(of_a_name)).then(|| text.to_owned())
}

fn value_of(text: &str) -> Option<String> {
    let text = text.trim();
    let of_a_value = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    text.chars().all(of_a_value).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt;
    use std::collections::BTreeMap;

    fn takes(text: &str, labels: &[(&str, &str)]) -> bool {
        let labels: BTreeMap<_, _> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        selector(text).expect(text).matches(&labels)
    }

    #[test]
    fn every_kind_of_term_is_read() {
        let labels = [("tier", "gold"), ("chatcluster.dev/zone", "a")];
        for text in [
            "",
            " ",
            "tier",
            "!old",
            "tier=gold",
            "tier==gold",
            "tier != lead",
            "old!=1",
            "tier in (gold,lead)",
            "tier in(gold)",
            "tier notin (lead, tin)",
            "chatcluster.dev/zone in (a, b), tier = gold ,!old",
        ] {
            assert!(takes(text, &labels), "{text}");
        }
        for text in
            ["old", "!tier", "tier=lead", "tier!=gold", "tier in (lead)", "tier notin (gold,x)", "tier=gold,old"]
        {
            assert!(!takes(text, &labels), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["=", "a b", "a in b", "a in (b", ",", "a=b,", "a=b=c", "in (a)", "a notin", "a=(b)"] {
            assert!(matches!(selector(text), Err(NoSelector::Term(_))), "{text}");
        }
        assert_eq!(selector(&vec!["a"; TERMS_MAX + 1].join(",")), Err(NoSelector::Long));
    }
}
