//! Query strings and refusals.

use chat_wire::engine::{Name, Query, Refusal};
use chat_wire::limits::QUERY_BYTES_MAX;
use proptest::prelude::*;

#[test]
fn a_query_of_a_stock_client() {
    let query = Query::parse("EIO=4&transport=polling&t=PXyz1a&sid=n1-b2.AAAA_-").unwrap();
    assert_eq!(query.transport, Name::Polling);
    assert_eq!(query.sid.as_deref(), Some("n1-b2.AAAA_-"));
    assert_eq!(query.t.as_deref(), Some("PXyz1a"));
}

#[test]
fn other_keys_are_stepped_over() {
    let query = Query::parse("token=a%26b&&=&flag&EIO=4&transport=websocket&b64=1").unwrap();
    assert_eq!((query.transport, query.sid, query.t), (Name::WebSocket, None, None));
}

#[test]
fn escapes_are_undone_and_what_is_none_stays() {
    let sid = |raw: &str| {
        let raw = format!("EIO=4&transport=polling&sid={raw}");
        Query::parse(&raw).unwrap().sid.unwrap().into_owned()
    };
    assert_eq!(sid("a%2Fb%20c+d"), "a/b c d");
    assert_eq!(sid("%C3%A9"), "é");
    assert_eq!(sid("%"), "%");
    assert_eq!(sid("%4"), "%4");
    assert_eq!(sid("%zz%+1"), "%zz% 1");
    assert_eq!(sid("%FF"), "\u{fffd}");
}

#[test]
fn a_key_of_ours_twice_is_refused() {
    for raw in
        ["EIO=4&EIO=4&transport=polling", "EIO=4&transport=polling&sid=a&sid=b", "t=1&EIO=4&t=1&transport=polling"]
    {
        assert_eq!(Query::parse(raw), Err(Refusal::BadRequest), "{raw}");
    }
}

#[test]
fn a_long_query_is_refused() {
    let mut raw = "EIO=4&transport=polling&x=".to_owned();
    raw.push_str(&"x".repeat(QUERY_BYTES_MAX - raw.len()));
    assert!(Query::parse(&raw).is_ok());
    raw.push('x');
    assert_eq!(Query::parse(&raw), Err(Refusal::BadRequest));
}

#[test]
fn refusals_carry_the_stock_numbers_and_texts() {
    let all = [
        Refusal::UnknownTransport,
        Refusal::UnknownSession,
        Refusal::BadMethod,
        Refusal::BadRequest,
        Refusal::Forbidden,
        Refusal::UnsupportedVersion,
    ];
    for (code, refusal) in all.into_iter().enumerate() {
        assert_eq!(usize::from(refusal.code()), code);
        assert_eq!(refusal.body(), format!(r#"{{"code":{code},"message":"{refusal}"}}"#));
        assert_eq!(refusal.status(), if refusal == Refusal::Forbidden { 403 } else { 400 });
    }
    assert_eq!(Refusal::UnknownSession.body(), r#"{"code":1,"message":"Session ID unknown"}"#);
}

proptest! {
    #[test]
    fn what_a_client_escapes_is_read_back(sid in "\\PC{0,20}", t in "[a-zA-Z0-9._-]{1,12}") {
        let escaped = sid.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02X}"));
        let raw = format!("t={t}&transport=polling&sid={escaped}&EIO=4");
        let query = Query::parse(&raw).unwrap();
        prop_assert_eq!(query.sid.as_deref(), Some(sid.as_str()));
        prop_assert_eq!(query.t.as_deref(), Some(t.as_str()));
    }

    #[test]
    fn any_query_is_answered(raw in "[EIO=4&transpolling%+s\\PC]{0,60}") {
        let _ = Query::parse(&raw);
    }
}
