//! A log that loses entries, starts anew, trims, is out, or swallows answers: clients are told exactly what became of it.

use crate::client::{Away, Client, Item, message};
use crate::live::Live;
use chat_log::Position;
use std::fmt::Write;

const ROOM: &str = "lobby";

/// Two members who have seen `entries` entries, all by the first.
async fn two_after(live: &Live, entries: u64) -> [Client; 2] {
    let mut ann = Client::guest(live.address, "ann").await;
    let mut ben = Client::guest(live.address, "ben").await;
    ann.join(ROOM).await;
    ben.join(ROOM).await;
    ann.flood(ROOM, 1, entries, 1).await;
    ann.reaches(ROOM, entries).await;
    ben.reaches(ROOM, entries).await;
    [ann, ben]
}

/// What a member was told after so many items, with epochs counted from the first entry's.
fn tail_of(away: &Away, after: usize) -> String {
    let first = away.entries(ROOM)[0].0.epoch;
    let show = |at: Position| format!("+{}-{}", at.epoch.checked_sub(first).expect("epochs rise"), at.n);
    let mut text = String::new();
    for item in &away.of(ROOM)[after..] {
        let _ = match item {
            Item::Joined(from) => write!(text, "joined {} ", show(*from)),
            Item::Entry(at, id) => write!(text, "{}:{id} ", show(*at)),
            Item::Gap { from, to, reason } => write!(text, "gap {}..{} {reason} ", show(*from), show(*to)),
            Item::Void { after } => write!(text, "void {} ", show(*after)),
        };
    }
    // A clock that has gone on a second may raise the epoch by more than one.
    let epochs: std::collections::BTreeSet<u64> = away.of(ROOM).iter().map(epoch).collect();
    for (rank, epoch) in epochs.range(first..).enumerate() {
        text = text.replace(&format!("+{}-", epoch - first), &format!("{}-", char::from(b'a' + rank as u8)));
    }
    text.trim_end().to_owned()
}

fn epoch(item: &Item) -> u64 {
    match item {
        Item::Joined(at) | Item::Entry(at, _) | Item::Gap { to: at, .. } | Item::Void { after: at } => at.epoch,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_withdraws_what_members_saw_and_brings_what_replaced_it() {
    let live = Live::start().await;
    let [mut ann, mut ben] = two_after(&live, 5).await;
    live.log.roll_back(ROOM, 3);
    ann.told(ROOM, 7).await;
    ben.told(ROOM, 7).await;
    // Its id went with it: it is no duplicate.
    let again = ann.say(ROOM, "5").await;
    assert_eq!(again["duplicate"], false);
    ann.say(ROOM, "six").await;
    for member in [&mut ann, &mut ben] {
        member.reaches(ROOM, 5).await;
        assert_eq!(tail_of(&member.away, 1), "a-1:1 a-2:2 a-3:3 a-4:4 a-5:5 void b-3 b-4:5 b-5:six");
    }
    assert_eq!(live.series("chat_voids_total"), 2);
    assert_eq!(live.series("chat_gaps_total"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_during_a_rollback_presents_a_lost_position_and_is_told() {
    let live = Live::start().await;
    let [mut ann, ben] = two_after(&live, 5).await;
    let ben = ben.cut();
    live.log.roll_back(ROOM, 3);
    // More entries than were lost: that the number is there again proves nothing.
    ann.flood(ROOM, 101, 104, 1).await;
    let mut ben = ben.back().await;
    assert_eq!(ben.ready["recovered"], true);
    ben.reaches(ROOM, 7).await;
    assert_eq!(tail_of(&ben.away, 6), "void b-3 b-4:101 b-5:102 b-6:103 b-7:104");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_starts_anew_is_a_reset_and_not_a_void_of_everything() {
    let live = Live::start().await;
    let [mut ann, ben] = two_after(&live, 5).await;
    let ben = ben.cut();
    live.log.restart();
    ann.told(ROOM, 7).await;
    ann.say(ROOM, "new").await;
    let mut ben = ben.back().await;
    for member in [&mut ann, &mut ben] {
        member.reaches(ROOM, 1).await;
        member.until("the new entry", |member| member.away.entries(ROOM).len() == 6).await;
        let told = tail_of(&member.away, 6);
        let (gap, rest) = told.split_once(" reset ").unwrap_or_else(|| panic!("no reset in {told}"));
        assert!(gap.starts_with("gap a-5.."), "{told}");
        assert_eq!(rest, "b-1:new");
    }
    assert_eq!(live.series("chat_voids_total"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_took_from_someone_away_is_a_gap_with_its_ends() {
    let live = Live::with(|plan| plan.log.retained_entries = 20).await;
    let [mut ann, ben] = two_after(&live, 5).await;
    let ben = ben.cut();
    // More than the room's ring of entries holds, which would know better than the log.
    ann.flood(ROOM, 6, 400, 1).await;
    let mut ben = ben.back().await;
    ben.reaches(ROOM, 400).await;
    let told = tail_of(&ben.away, 6);
    assert!(told.starts_with("gap a-5..a-380 trimmed a-381:381 "), "{told}");
    let expected: Vec<u64> = (1..=5).chain(381..=400).collect();
    assert_eq!(ben.away.numbers(ROOM), expected);
    assert_eq!(live.series("chat_gaps_total"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_said_and_the_same_id_is_appended_once_after_it() {
    let live = Live::start().await;
    let [mut ann, ben] = two_after(&live, 2).await;
    live.log.pause();
    let refused = ann.call("send", message(ROOM, "x", 1)).await;
    assert_eq!((&refused["ok"], &refused["error"]["code"]), (&false.into(), &"unavailable".into()));
    // Somebody comes back while nothing can be read, and waits.
    let mut ben = ben.cut().back().await;
    live.log.resume();
    assert_eq!(ann.say(ROOM, "x").await["duplicate"], false);
    assert_eq!(ann.say(ROOM, "x").await["duplicate"], true);
    ann.say(ROOM, "end").await;
    for member in [&mut ann, &mut ben] {
        member.reaches(ROOM, 4).await;
        assert_eq!(tail_of(&member.away, 1), "a-1:1 a-2:2 a-3:x a-4:end");
    }
    assert_eq!(live.series(r#"chat_requests_total{event="send",outcome="unavailable"}"#), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_an_unknown_outcome_and_the_retry_a_duplicate() {
    let live = Live::start().await;
    let [mut ann, mut ben] = two_after(&live, 1).await;
    live.log.lose_answers(1);
    let unknown = ann.call("send", message(ROOM, "x", 1)).await;
    assert_eq!(unknown["error"]["code"], "unknown_outcome");
    let retried = ann.say(ROOM, "x").await;
    assert_eq!(retried["duplicate"], true);
    ann.say(ROOM, "end").await;
    for member in [&mut ann, &mut ben] {
        member.reaches(ROOM, 3).await;
        assert_eq!(tail_of(&member.away, 1), "a-1:1 a-2:x a-3:end");
        assert_eq!(retried["position"], member.away.entries(ROOM)[1].0.to_string());
    }
}
