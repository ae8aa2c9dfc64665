//! What a running server takes over from newer settings.

use crate::World;

#[test]
fn some_settings_change_and_others_wait_for_a_restart() {
    let mut running = World::default().load().expect("settings");
    let flags = ["--guests=false", "--send-burst=7", "--listen=127.0.0.1:1", "--max-payload=1MB"];
    let newer = World { flags: &flags, ..World::default() }.load().expect("settings");
    assert_eq!(running.reload(&newer), ["listen", "max-payload"]);
    assert!(!running.access.guests);
    assert_eq!((running.limits.send_burst, running.limits.max_payload), (7, 100_000));
    assert_eq!(running.network.listen.port(), 3000);
    assert_eq!(running.reload(&running.clone()), [""; 0]);
}

#[test]
fn a_secret_that_changed_in_its_file_is_noticed() {
    let at = |content| {
        let files = [("key", content)];
        World { flags: &["--signing-key-file", "key"], files: &files, ..World::default() }.load().expect("settings")
    };
    let mut running = at("one key of more than thirty-two bytes");
    assert_eq!(running.reload(&at("another key of more than thirty-two bytes")), ["signing-key-file"]);
}

#[test]
fn a_write_deadline_that_the_running_dedup_age_does_not_bear_waits_for_a_restart() {
    let load = |flags: &[&str]| {
        let key = ["--redis=127.0.0.1:1", "--signing-key=0123456789abcdef0123456789abcdef"];
        World { flags: &[&key, flags].concat(), ..World::default() }.load().expect("settings")
    };
    let mut running = load(&[]);
    assert_eq!(running.reload(&load(&["--redis-write-deadline=20s"])), [""; 0]);
    let newer = load(&["--redis-write-deadline=1m", "--dedup-age=4m"]);
    assert_eq!(running.reload(&newer), ["dedup-age", "redis-write-deadline"]);
    assert_eq!(running.redis.redis_write_deadline.as_secs(), 20);
}
