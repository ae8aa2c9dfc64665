//! Each rule taken out, to show that the model notices and the rule is needed: `cargo test --features mutants`.
//!
//! Two rules are not here, since no schedule breaks without them alone: [`Rule::JoinNumber`] and [`Rule::SessionTag`] are a
//! second line behind `joined`, and `claims.rs` tests them one by one.

use crate::world::World;
use chat_session::{Rule, without};

/// Kept by the code of this crate.
const MACHINE: [Rule; 22] = [
    Rule::ConnectFirst,
    Rule::JoinedEvent,
    Rule::Restart,
    Rule::OwnFrames,
    Rule::GapOffset,
    Rule::SnapAtPing,
    Rule::PersistFirst,
    Rule::HardBound,
    Rule::Fence,
    Rule::JoinMatch,
    Rule::MaxMerge,
    Rule::ClaimCarried,
    Rule::ClaimByN,
    Rule::ClaimFloor,
    Rule::OwnRooms,
    Rule::SameUser,
    Rule::TrimCheck,
    Rule::Void,
    Rule::VoidForward,
    Rule::ForeignPong,
    Rule::MoveDirty,
    Rule::MovePings,
];

/// Kept by whoever uses it: transports, rooms, stores and logs.
const AROUND: [Rule; 23] = [
    Rule::PersistJoin,
    Rule::AttachAtStart,
    Rule::PersistLeave,
    Rule::OneStep,
    Rule::NoAckId,
    Rule::VolatileObject,
    Rule::PongProof,
    Rule::PingInOrder,
    Rule::SnapSent,
    Rule::Wait,
    Rule::NeverRecreate,
    Rule::GetRetry,
    Rule::PostRetry,
    Rule::UpgradeOrder,
    Rule::CloseAlone,
    Rule::Ahead,
    Rule::StaleSource,
    Rule::Epoch,
    Rule::EpochDurable,
    Rule::MoveIdle,
    Rule::MoveUnsent,
    Rule::MoveUnsentFirst,
    Rule::MoveOneStep,
];

/// The rarest is missed by one schedule of some ten thousand.
const SEEDS_MAX: u64 = 150_000;

#[test]
fn every_rule_of_the_machine_is_needed() {
    check(&MACHINE);
}

#[test]
fn every_rule_around_the_machine_is_needed() {
    check(&AROUND);
}

#[test]
fn no_rule_is_forgotten() {
    let second_lines = [Rule::JoinNumber, Rule::SessionTag];
    let mut known: Vec<u8> = MACHINE.iter().chain(&AROUND).chain(&second_lines).map(|rule| *rule as u8).collect();
    known.sort_unstable();
    assert!(known.into_iter().eq(0..=Rule::MoveOneStep as u8));
}

/// Each of the rules has a schedule that breaks without it, and does not with it.
fn check(rules: &[Rule]) {
    for rule in rules {
        let broken = |seed: &u64| without(&[*rule], || World::run(*seed, false).violation);
        let seed = (0..SEEDS_MAX).find(|seed| broken(seed).is_some());
        let seed = seed.unwrap_or_else(|| panic!("nothing breaks without {rule:?} in {SEEDS_MAX} schedules"));
        println!("{:>6} schedules without {rule:?}: {}", seed + 1, broken(&seed).unwrap_or_default());
        assert_eq!(World::run(seed, false).violation, None, "seed {seed} with all rules");
    }
}
