//! Random requests that end in random order, held against the rules word for word.

use super::*;
use futures_util::task::noop_waker;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// What happened to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    begun: bool,
    /// It may end at its next poll.
    open: bool,
    ended: bool,
}

/// Requests under way, and what was seen of each that was ever asked for.
#[derive(Default)]
struct World {
    requests: Requests,
    asked: Vec<(Lanes, usize)>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl World {
    fn ask(&mut self, lanes: Lanes, bytes: usize) {
        let (seen, number) = (self.seen.clone(), self.asked.len());
        self.asked.push((lanes, bytes));
        self.seen.lock().push(Seen::default());
        let rest = poll_fn(move |_| {
            let mut seen = seen.lock();
            seen[number].begun = true;
            seen[number].ended = seen[number].open;
            if seen[number].ended { Poll::Ready(()) } else { Poll::Pending }
        });
        self.requests.push(lanes, bytes, Box::pin(rest));
    }

    fn poll(&mut self) {
        self.requests.poll(&mut Context::from_waker(&noop_waker()));
    }

    fn under_way(&self) -> Vec<usize> {
        let seen = self.seen.lock();
        (0..seen.len()).filter(|number| !seen[*number].ended).collect()
    }

    /// The rules, by what was asked for and what has ended.
    fn check(&self) -> Result<(), TestCaseError> {
        let seen = self.seen.lock();
        let left: Vec<usize> = (0..seen.len()).filter(|number| !seen[*number].ended).collect();
        for (number, what) in seen.iter().enumerate() {
            let earlier = left.iter().filter(|other| **other < number);
            let waits = earlier.clone().any(|other| share(self.asked[*other].0, self.asked[number].0));
            prop_assert_eq!(what.begun, !waits, "{} of {:?} while {:?} are left", number, &self.asked, &left);
        }
        prop_assert_eq!(self.requests.is_empty(), left.is_empty());
        let bytes: usize = left.iter().map(|number| self.asked[*number].1).sum();
        let alone = left.iter().any(|number| self.asked[*number].0 == Lanes::Every);
        let more = left.len() < REQUESTS_MAX && bytes < BYTES_MAX && !alone;
        prop_assert_eq!(self.requests.take_more(), more);
        Ok(())
    }
}

/// Whether two requests are about the same.
fn share(one: Lanes, other: Lanes) -> bool {
    let of = |lanes| match lanes {
        Lanes::Every => (0..LANES).map(lane).collect(),
        Lanes::One(one) => vec![one],
        Lanes::Two(one, two) => vec![one, two],
    };
    of(one).iter().any(|lane| of(other).contains(lane))
}

const LANES: u8 = 5;

fn lane(of: u8) -> Lane {
    Lane::of(&("lane", of))
}

#[derive(Clone, Debug)]
enum Step {
    Ask(Lanes, usize),
    /// One of those under way may end.
    End(prop::sample::Index),
    /// All of them, in one round.
    EndAll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lanes = prop_oneof![
        1 => Just(Lanes::Every),
        12 => (0..LANES).prop_map(|one| Lanes::One(lane(one))),
        6 => (0..LANES, 0..LANES).prop_map(|(one, two)| Lanes::Two(lane(one), lane(two))),
    ];
    let bytes = prop_oneof![9 => 0..200_usize, 1 => 0..40_000_usize];
    let step = prop_oneof![
        8 => (lanes, bytes).prop_map(|(lanes, bytes)| Step::Ask(lanes, bytes)),
        5 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => Just(Step::EndAll),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn requests_wait_for_those_before_them_in_their_lanes_and_for_no_others(steps in steps()) {
        let mut world = World::default();
        for step in steps {
            match step {
                Step::Ask(lanes, bytes) if world.requests.take_more() => world.ask(lanes, bytes),
                Step::Ask(..) => {}
                Step::End(which) => {
                    let left = world.under_way();
                    if !left.is_empty() {
                        world.seen.lock()[*which.get(&left)].open = true;
                    }
                }
                Step::EndAll => world.seen.lock().iter_mut().for_each(|seen| seen.open = true),
            }
            world.poll();
            world.check()?;
        }
    }
}

#[test]
fn there_is_a_bound_in_number_and_one_in_bytes() {
    let mut world = World::default();
    for number in 0..REQUESTS_MAX {
        assert!(world.requests.take_more(), "{number}");
        world.ask(Lanes::One(Lane::of(&number)), 1);
    }
    assert!(world.requests.is_full() && !world.requests.take_more());
    world.poll();
    world.seen.lock()[7].open = true;
    world.poll();
    assert!(world.requests.take_more());
    let mut world = World::default();
    world.ask(Lanes::One(lane(0)), BYTES_MAX);
    assert!(world.requests.is_full());
}

#[test]
fn a_connection_at_rest_keeps_a_pointer() {
    assert_eq!(size_of::<Requests>(), size_of::<usize>());
    let mut world = World::default();
    world.ask(Lanes::One(lane(0)), 1);
    world.seen.lock()[0].open = true;
    world.poll();
    assert!(world.requests.0.is_none());
}
