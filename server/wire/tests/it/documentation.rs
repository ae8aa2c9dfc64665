//! `docs/protocol.md` states the limits that hold.

use chat_wire::limits;

#[test]
fn the_table_of_limits_is_the_code() {
    let page = include_str!("../../../../docs/protocol.md");
    let table = page.split("## Limits of the wire").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && !line.contains("at most")).collect();
    let expected = [
        ("frames in one WebSocket message", u64::from(limits::FRAGMENTS_MAX)),
        ("bytes of a control frame", limits::CONTROL_BYTES_MAX as u64),
        ("bytes of a query string", limits::QUERY_BYTES_MAX as u64),
        ("packets in one polling payload", limits::PAYLOAD_PACKETS_MAX as u64),
        ("bytes of a namespace", limits::NAMESPACE_BYTES_MAX as u64),
        ("digits of an acknowledgement id", limits::ACK_ID_DIGITS_MAX as u64),
        ("acknowledgement id", limits::ACK_ID_MAX),
        ("arguments of an event or an answer", limits::ARGS_MAX as u64),
        ("attachments of a packet", u64::from(limits::ATTACHMENTS_MAX)),
    ];
    assert_eq!(rows, expected.map(|(what, limit)| format!("| {what} | {limit} |")));
}
