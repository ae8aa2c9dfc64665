//! `history`: a page of entries in the answer.

use super::{Answered, At, Call};
use crate::refusal::{Code, Refusal};
use crate::room::write_entry;
use crate::rooms::access::Action;
use chat_settings::Limit;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct History {
    pub(super) room: String,
    before: Option<At>,
    after: Option<At>,
    limit: Option<usize>,
}

/// An answer goes out as one frame: the page ends early where it would be longer than this.
const ANSWER_BYTES: usize = 256 * 1024;

/// How many entries come without a limit in the request.
const ENTRIES: usize = 50;

pub(super) async fn history(call: Arc<Call>, request: History) -> Answered {
    let room = call.room(&request.room, Action::Read).await?.room;
    let settings = call.chat.settings();
    let limits = &settings.limits;
    let limit = request.limit.unwrap_or(ENTRIES.min(limits.history_page));
    if limit > limits.history_page {
        return Err(Refusal::limit(Code::TooLarge, Limit::HistoryPage, limits));
    }
    if limit == 0 {
        return Err(Refusal::invalid("`limit`: at least 1"));
    }
    let (mut entries, mut more, newest_first) = match (request.before, request.after) {
        (Some(_), Some(_)) => return Err(Refusal::invalid("give `before` or `after`, not both")),
        (None, Some(At(after))) => {
            let page = call.chat.log().read(room.name(), after, limit).await?;
            let more = !page.is_last(after);
            (page.entries, more, false)
        }
        (before, None) => {
            let page = call.chat.log().read_before(room.name(), before.map(|at| at.0), limit).await?;
            (page.entries, page.more, true)
        }
    };
    // What does not fit is cut at the end that is farther from the cursor.
    if newest_first {
        entries.reverse();
    }
    let mut encoded = Vec::with_capacity(entries.len());
    let mut bytes = 0;
    for entry in &entries {
        let mut json = Vec::new();
        if write_entry(room.name(), entry, &mut json).is_none() {
            call.chat.metrics().foreign_entries.inc();
            continue;
        }
        bytes += json.len();
        if bytes > ANSWER_BYTES && !encoded.is_empty() {
            more = true;
            break;
        }
        encoded.push(String::from_utf8(json).unwrap_or_default());
    }
    if newest_first {
        encoded.reverse();
    }
    Ok(Some(format!(r#"{{"ok":true,"entries":[{}],"more":{more}}}"#, encoded.join(","))))
}
