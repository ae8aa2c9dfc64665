//! `send`: an entry of its own.

use super::{Answered, At, Call};
use crate::emit;
use crate::refusal::{Code, Refusal};
use crate::rooms::access::Action;
use crate::user::User;
use chat_log::{Append, AppendError, Bound};
use chat_settings::Limit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Instant;

#[derive(Deserialize)]
pub(super) struct Send {
    pub(super) room: String,
    id: String,
    text: Option<String>,
    kind: Option<String>,
    reply_to: Option<At>,
    data: Option<Box<RawValue>>,
}

/// An entry as its author's request made it; place and time come from the log.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    from: &'a User,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// What applications may call their own kinds of entries.
const OWN_KINDS: &str = "custom.";

/// The longest kind, in bytes.
const KIND_BYTES_MAX: usize = 64;

pub(super) async fn send(call: Arc<Call>, request: Send) -> Answered {
    let Send { room, id, text, kind, reply_to, data } = &request;
    let kind = kind.as_deref().unwrap_or("message");
    let own = kind.strip_prefix(OWN_KINDS).is_some_and(|name| !name.is_empty() && kind.len() <= KIND_BYTES_MAX);
    if kind != "message" && !own {
        return Err(Refusal::invalid(format!("`kind`: `message`, or `{OWN_KINDS}` and a name of your own")));
    }
    if text.as_deref().unwrap_or_default().is_empty() && data.is_none() {
        return Err(Refusal::invalid("`text`: there is nothing to send: give a text, or data"));
    }
    if let Some(text) = text {
        call.text(text)?;
    }
    let settings = call.chat.settings();
    let limits = &settings.limits;
    if data.as_ref().is_some_and(|data| data.get().len() > limits.data_bytes) {
        return Err(Refusal::limit(Code::TooLarge, Limit::Data, limits));
    }
    let body = Body {
        id,
        from: &call.user,
        kind,
        text: text.as_deref(),
        reply_to: reply_to.map(|at| at.0.to_string()),
        data: data.as_deref(),
    };
    call.append(room, id, emit::text(&body)).await
}

impl Call {
    /// A text within its limit.
    pub(super) fn text(&self, text: &str) -> Result<(), Refusal> {
        let settings = self.chat.settings();
        let limits = &settings.limits;
        if text.len() > limits.text_bytes {
            return Err(Refusal::limit(Code::TooLarge, Limit::Text, limits));
        }
        Ok(())
    }

    /// Appends an entry by this user.
    pub(super) async fn append(&self, room: &str, id: &str, body: String) -> Answered {
        let settings = self.chat.settings();
        let limits = &settings.limits;
        if id.is_empty() || id.chars().count() > limits.id_chars || id.chars().any(char::is_control) {
            return Err(Refusal::limit(Code::Invalid, Limit::MessageId, limits));
        }
        let room = self.member_who(room, Action::Send).await?;
        let append =
            Append { room: room.name().clone(), author: self.user.id.clone(), id: id.into(), body: body.into() };
        let begun = Instant::now();
        let answers = self.chat.log().append(vec![append]).await;
        self.chat.metrics().append_seconds.observe(begun.elapsed().as_secs_f64());
        let appended = match answers.into_iter().next().unwrap_or(Err(AppendError::UnknownOutcome)) {
            Ok(appended) => appended,
            Err(AppendError::Full(Bound::Bytes)) => {
                return Err(Refusal::limit(Code::Unavailable, Limit::LogBytes, limits));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(emit::text(&json!({
            "ok": true,
            "position": appended.position.to_string(),
            "at": appended.at_ms,
            "duplicate": appended.duplicate,
            "replicated": appended.replicated,
        }))))
    }
}
