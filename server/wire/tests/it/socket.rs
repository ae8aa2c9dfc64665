//! Socket.IO packets, events and attachments.

use chat_wire::limits::{ACK_ID_MAX, ARGS_MAX, ATTACHMENTS_MAX, NAMESPACE_BYTES_MAX};
use chat_wire::socket::{self, Attachments, BadPacket, Collected, Event, Kind, Packet, RESERVED_NAMES};
use insta::assert_snapshot;

fn text(encode: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    encode(&mut out);
    String::from_utf8(out).unwrap()
}

fn begin(text: &str, bytes_max: usize) -> Result<Attachments, BadPacket> {
    Attachments::begin(&Packet::decode(text).unwrap(), bytes_max)
}

#[test]
fn all_parts_of_a_packet() {
    let packet = Packet::decode(r#"51-/admin,456["up",{"_placeholder":true,"num":0}]"#).unwrap();
    let expected = Packet {
        kind: Kind::BinaryEvent,
        namespace: "/admin",
        id: Some(456),
        attachments: 1,
        data: r#"["up",{"_placeholder":true,"num":0}]"#,
    };
    assert_eq!(packet, expected);
}

#[test]
fn packets_of_the_server() {
    assert_snapshot!(text(|out| socket::connect_reply("/", "abc", None, out)), @r#"40{"sid":"abc"}"#);
    assert_snapshot!(
        text(|out| socket::connect_reply("/custom", "abc", Some("p\"q"), out)),
        @r#"40/custom,{"sid":"abc","pid":"p\"q"}"#
    );
    assert_snapshot!(
        text(|out| socket::connect_error("/", "no", Some(r#"{"code":"forbidden"}"#), out)),
        @r#"44{"message":"no","data":{"code":"forbidden"}}"#
    );
    assert_snapshot!(text(|out| socket::disconnect("/", out)), @"41");
    assert_snapshot!(text(|out| socket::disconnect("/custom", out)), @"41/custom,");
    assert_snapshot!(text(|out| socket::event("/", None, "ready", ["{}", "\"o\""], out)), @r#"42["ready",{},"o"]"#);
    assert_snapshot!(text(|out| socket::event("/", Some(12), "a\"b", [], out)), @r#"4212["a\"b"]"#);
    assert_snapshot!(text(|out| socket::event("/custom", Some(0), "e", ["1"], out)), @r#"42/custom,0["e",1]"#);
    assert_snapshot!(text(|out| socket::ack("/", 7, [], out)), @"437[]");
    assert_snapshot!(text(|out| socket::ack("/custom", 7, ["1", "null"], out)), @"43/custom,7[1,null]");
    let part = |num| text(|out| socket::placeholder(num, out));
    assert_snapshot!(
        text(|out| socket::binary_event("/", None, "up", [part(0).as_str(), part(1).as_str()], 2, out)),
        @r#"452-["up",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
    );
    assert_snapshot!(
        text(|out| socket::binary_ack("/custom", 15, [part(0).as_str()], 1, out)),
        @r#"461-/custom,15[{"_placeholder":true,"num":0}]"#
    );
}

#[test]
fn namespaces() {
    fn namespace(text: &str) -> Result<(&str, &str), BadPacket> {
        Packet::decode(text).map(|packet| (packet.namespace, packet.data))
    }
    assert_eq!(namespace("0"), Ok(("/", "")));
    assert_eq!(namespace("0{}"), Ok(("/", "{}")));
    assert_eq!(namespace("0/,{}"), Ok(("/", "{}")));
    assert_eq!(namespace("0/a?b=c,{}"), Ok(("/a?b=c", "{}")));
    let long = format!("0/{}", "é".repeat(NAMESPACE_BYTES_MAX / 2));
    assert_eq!(namespace(&long), Err(BadPacket::Namespace));
    assert_eq!(namespace(&format!("{long},")), Err(BadPacket::Namespace));
    let longest = format!("0/{}", "x".repeat(NAMESPACE_BYTES_MAX - 1));
    assert_eq!(namespace(&longest), Ok((&longest[1..], "")));
    assert_eq!(namespace(&format!("{longest},{{}}")), Ok((&longest[1..], "{}")));
}

#[test]
fn ids() {
    let id = |digits: &str| Packet::decode(&format!(r#"2{digits}["e"]"#)).map(|packet| packet.id);
    assert_eq!(id(""), Ok(None));
    assert_eq!(id("0"), Ok(Some(0)));
    assert_eq!(id("007"), Ok(Some(7)));
    assert_eq!(id(&ACK_ID_MAX.to_string()), Ok(Some(ACK_ID_MAX)));
    assert_eq!(id(&(ACK_ID_MAX + 1).to_string()), Err(BadPacket::Id));
    assert_eq!(id("00000000000000001"), Err(BadPacket::Id), "17 digits");
    assert_eq!(Packet::decode("3[]"), Err(BadPacket::Id), "an answer to nothing");
    assert_eq!(Packet::decode("05{}"), Err(BadPacket::Id));
    assert_eq!(Packet::decode("15"), Err(BadPacket::Id));
}

#[test]
fn data_fits_its_packet() {
    for text in
        ["1{}", "1[]", "2", "2{}", "2\"x\"", "2null", "31{}", "0[]", "0null", "0\"x\"", "4", "4[]", "2abc[\"x\"]"]
    {
        assert_eq!(Packet::decode(text), Err(BadPacket::Data), "{text}");
    }
    for text in ["0{", "0{}x", "0{\"a\":}", "4\"x", "4{\"message\"}"] {
        assert_eq!(Packet::decode(text), Err(BadPacket::Json), "{text}");
    }
    for text in ["", "7", "x", "ü", "-1"] {
        assert_eq!(Packet::decode(text), Err(BadPacket::Kind), "{text}");
    }
}

#[test]
fn events_have_a_name_of_their_own() {
    let error = |data: &str| Event::parse(data).unwrap_err();
    for data in ["[]", "[1]", "[null,\"x\"]", "[[\"x\"]]", "[{}]", "[\"\\ud800\"]"] {
        assert_eq!(error(data), BadPacket::Name, "{data}");
    }
    for name in RESERVED_NAMES {
        assert_eq!(error(&format!("[\"{name}\"]")), BadPacket::Name, "{name}");
    }
    assert_eq!(error(r#"["\u0063onnect"]"#), BadPacket::Name, "escaped");
    assert_eq!(Event::parse(r#"["Connect"]"#).unwrap().name, "Connect");
}

#[test]
fn events_are_json() {
    for data in ["[", "[\"a\"", "[\"a\",]", "[\"a\"]x", "[\"a\" 1]", "[\"a\",tru]", "[\"\n\"]", "{\"a\":1}", ""] {
        assert_eq!(Event::parse(data).unwrap_err(), BadPacket::Json, "{data:?}");
    }
    let event = Event::parse(r#" [ "a\"b" , {"x" : [1, 2]} , null ] "#).unwrap();
    assert_eq!(event.name, "a\"b");
    assert_eq!(event.args.iter().map(|arg| arg.get()).collect::<Vec<_>>(), [r#"{"x" : [1, 2]}"#, "null"]);
}

#[test]
fn arguments_are_bounded() {
    let event = |args: usize| Event::parse(&format!("[\"e\"{}]", ",1".repeat(args))).map(|event| event.args.len());
    assert_eq!(event(ARGS_MAX), Ok(ARGS_MAX));
    assert_eq!(event(ARGS_MAX + 1), Err(BadPacket::TooManyArgs));
    assert_eq!(event(ARGS_MAX + 1_000), Err(BadPacket::TooManyArgs));
    let ack = |args: usize| Event::parse_ack(&format!("[{}]", vec!["1"; args].join(","))).map(|args| args.len());
    assert_eq!(ack(0), Ok(0));
    assert_eq!(ack(ARGS_MAX), Ok(ARGS_MAX));
    assert_eq!(ack(ARGS_MAX + 1), Err(BadPacket::TooManyArgs));
}

#[test]
fn deep_nesting_is_no_danger() {
    let deep = format!("[\"e\",{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(Event::parse(&deep).unwrap().args.len(), 1);
    let binary = format!("50-{deep}");
    assert_eq!(begin(&binary, usize::MAX).unwrap_err(), BadPacket::Json);
}

#[test]
fn attachments_are_collected_in_order() {
    let text = r#"52-/custom,3["up",{"a":[{"_placeholder":true,"num":1}]},{"num":0,"_placeholder":true}]"#;
    let mut attachments = begin(text, 1_000).unwrap();
    assert_eq!(attachments.collected(), Collected::More);
    assert_eq!(attachments.push(vec![1]), Ok(Collected::More));
    assert_eq!(attachments.push(vec![2, 3]), Ok(Collected::All));
    assert_eq!(attachments.packet(), Packet::decode(text).unwrap());
    assert_eq!(attachments.parts(), [&[1][..], &[2, 3]]);
    assert_eq!(attachments.push(vec![4]), Err(BadPacket::UnexpectedBinary));
}

#[test]
fn a_binary_packet_without_attachments_is_whole_at_once() {
    assert_eq!(begin(r#"50-["up"]"#, 100).unwrap().collected(), Collected::All);
}

#[test]
fn the_number_of_attachments_is_stated_and_bounded() {
    for text in [
        "5[\"x\"]",
        "5-[\"x\"]",
        "6-1[]",
        "51[\"x\"]",
        "5x-[\"x\"]",
        "5+1-[\"x\"]",
        "511-[\"x\"]",
        "599999999999999999999-[]",
    ] {
        assert_eq!(Packet::decode(text), Err(BadPacket::Attachments), "{text}");
    }
    assert_eq!(Packet::decode("510-[\"x\"]").unwrap().attachments, ATTACHMENTS_MAX);
}

#[test]
fn placeholders_and_attachments_match_one_for_one() {
    let part = r#"{"_placeholder":true,"num":0}"#;
    for text in [
        r#"51-["x"]"#.to_owned(),
        format!(r#"50-["x",{part}]"#),
        format!(r#"51-["x",{part},{part}]"#),
        format!(r#"52-["x",{part}]"#),
        r#"51-["x",{"_placeholder":true,"num":1}]"#.to_owned(),
        r#"51-["x",{"_placeholder":true,"num":-1}]"#.to_owned(),
        r#"51-["x",{"_placeholder":true,"num":0.0}]"#.to_owned(),
        r#"51-["x",{"_placeholder":true,"num":"0"}]"#.to_owned(),
        r#"51-["x",{"_placeholder":true}]"#.to_owned(),
        r#"51-["x",{"_placeholder":1,"num":0}]"#.to_owned(),
    ] {
        assert_eq!(begin(&text, 1_000).unwrap_err(), BadPacket::Placeholder, "{text}");
    }
    assert_eq!(begin(&format!(r#"51-["x",{part}"#), 1_000).unwrap_err(), BadPacket::Json);
}

#[test]
fn attachments_are_bounded_in_bytes() {
    let text = r#"52-["up",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let data = Packet::decode(text).unwrap().data.len();
    assert_eq!(begin(text, data - 1).unwrap_err(), BadPacket::TooLarge);
    let mut attachments = begin(text, data + 5).unwrap();
    assert_eq!(attachments.push(vec![0; 3]), Ok(Collected::More));
    assert_eq!(attachments.push(vec![0; 3]), Err(BadPacket::TooLarge));
    assert_eq!(attachments.push(vec![0; 2]), Ok(Collected::All));
}
