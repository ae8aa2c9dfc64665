//! Sound histories pass; each planted fault is found, whatever the history.

use proptest::prelude::*;

use super::*;

const ROOM: &str = "r";

/// Writes histories by a simple model: a log with epochs, clients that stay, go, come back and see everything.
struct Model {
    histories: Vec<History>,
    places: Vec<Option<Position>>,
    log: Vec<(Position, String)>,
    epoch: u64,
    clock: u64,
    sends: u64,
}

#[derive(Debug, Clone)]
enum Step {
    /// A client sends; it is acknowledged.
    Send(usize),
    /// A client gets up to so many of what it lacks.
    Read(usize, usize),
    /// A client goes and comes back to where it was.
    Recover(usize),
    /// A client leaves and joins at the tail.
    Rejoin(usize),
    /// A client joins again from its cursor.
    JoinAfter(usize),
    /// The last entry is lost and the epoch rises; whoever saw it is told.
    RollBack,
}

const CLIENTS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    prop_oneof![
        6 => client.clone().prop_map(Step::Send),
        6 => (client.clone(), 1usize..6).prop_map(|(client, count)| Step::Read(client, count)),
        1 => client.clone().prop_map(Step::Recover),
        1 => client.clone().prop_map(Step::Rejoin),
        1 => client.prop_map(Step::JoinAfter),
        1 => Just(Step::RollBack),
    ]
}

impl Model {
    fn new() -> Self {
        let histories = (0..CLIENTS).map(|k| History { client: format!("c{k}"), records: Vec::new() }).collect();
        let mut model = Self { histories, places: vec![None; CLIENTS], log: Vec::new(), epoch: 1, clock: 0, sends: 0 };
        for client in 0..CLIENTS {
            model.record(client, Event::Connected { recovered: false, presented: false });
            model.join(client, None);
        }
        model
    }

    fn run(steps: &[Step]) -> Vec<History> {
        let mut model = Self::new();
        // Enough for each fault to have a place.
        for client in 0..CLIENTS {
            model.send(client);
            model.send(client);
        }
        for step in steps {
            model.step(step);
        }
        for client in 0..CLIENTS {
            model.read(client, usize::MAX);
            model.record(client, Event::End);
        }
        model.histories
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send(client) => self.send(client),
            Step::Read(client, count) => self.read(client, count),
            Step::Recover(client) => {
                self.record(client, Event::Disconnected { how: "cut".into() });
                self.record(client, Event::Connected { recovered: true, presented: true });
            }
            Step::Rejoin(client) => {
                self.read(client, usize::MAX);
                self.record(client, Event::Left { room: ROOM.into() });
                self.join(client, None);
            }
            Step::JoinAfter(client) => {
                let place = self.places[client];
                self.join(client, place);
            }
            Step::RollBack => self.roll_back(),
        }
    }

    fn record(&mut self, client: usize, event: Event) {
        self.clock += 1;
        self.histories[client].records.push(Record { at: self.clock, event });
    }

    fn tail(&self) -> Position {
        self.log.last().map_or(Position { epoch: self.epoch, n: 0 }, |(position, _)| *position)
    }

    fn join(&mut self, client: usize, after: Option<Position>) {
        let from = after.unwrap_or(self.tail());
        self.record(client, Event::Join { room: ROOM.into(), after });
        self.record(client, Event::Joined { room: ROOM.into(), from });
        self.places[client] = Some(from);
    }

    fn send(&mut self, client: usize) {
        self.sends += 1;
        let id = format!("m{}", self.sends);
        self.record(client, Event::Sent { room: ROOM.into(), id: id.clone() });
        let position = Position { epoch: self.epoch, n: self.log.len() as u64 + 1 };
        self.log.push((position, id.clone()));
        self.record(client, Event::Acked { room: ROOM.into(), id, position, durable: true });
    }

    fn read(&mut self, client: usize, count: usize) {
        let Some(place) = self.places[client] else { return };
        let page: Vec<_> = self.log.iter().skip(place.n as usize).take(count).cloned().collect();
        for (position, id) in page {
            self.record(client, Event::Entry { room: ROOM.into(), position, id });
            self.places[client] = Some(position);
        }
    }

    /// Loses an entry whose acknowledgement said that it might be lost.
    fn roll_back(&mut self) {
        let Some((lost, id)) = self.log.pop() else { return };
        for history in &mut self.histories {
            for record in &mut history.records {
                if let Event::Acked { id: acked, durable, .. } = &mut record.event
                    && *acked == id
                {
                    *durable = false;
                }
            }
        }
        let after = self.tail();
        self.epoch += 1;
        for client in 0..CLIENTS {
            if self.places[client].is_some_and(|place| place.n >= lost.n) {
                self.record(client, Event::Void { room: ROOM.into(), after });
                self.places[client] = Some(after);
            }
        }
    }
}

/// The records of a kind, as (client, index).
fn all(histories: &[History], kind: fn(&Event) -> bool) -> Vec<(usize, usize)> {
    let of = |(client, history): (usize, &History)| {
        let wanted = history.records.iter().enumerate().filter(move |(_, record)| kind(&record.event));
        wanted.map(move |(index, _)| (client, index)).collect::<Vec<_>>()
    };
    histories.iter().enumerate().flat_map(of).collect()
}

fn is_entry(event: &Event) -> bool {
    matches!(event, Event::Entry { .. })
}

/// What the client sees of the room after a record; its own sends are no part of that.
fn next_seen(records: &[Record], index: usize) -> Option<&Event> {
    let of_room = |event: &&Event| event.room().is_some() && !matches!(event, Event::Sent { .. } | Event::Acked { .. });
    records[index + 1..].iter().map(|record| &record.event).find(of_room)
}

fn check(steps: &[Step], pick: prop::sample::Index, kind: fn(&Event) -> bool, plant: Plant, found: Found) -> Outcome {
    let mut histories = Model::run(steps);
    let places = all(&histories, kind);
    prop_assume!(!places.is_empty());
    let (client, index) = places[pick.index(places.len())];
    if !plant(&mut histories[client].records, index) {
        return Ok(());
    }
    let violations = verify(&histories).violations;
    prop_assert!(violations.iter().any(found), "{violations:?}");
    Ok(())
}

type Outcome = Result<(), TestCaseError>;
/// Plants a fault at a record; false where it would be none.
type Plant = fn(&mut Vec<Record>, usize) -> bool;
type Found = fn(&Violation) -> bool;

fn position_of(event: &mut Event) -> Option<&mut Position> {
    match event {
        Event::Entry { position, .. } | Event::Acked { position, .. } => Some(position),
        Event::Connected { .. }
        | Event::Disconnected { .. }
        | Event::Join { .. }
        | Event::Joined { .. }
        | Event::Left { .. }
        | Event::Sent { .. }
        | Event::Gap { .. }
        | Event::Void { .. }
        | Event::Refused { .. }
        | Event::Logged { .. }
        | Event::End => None,
    }
}

proptest! {
    // Some histories have no place for a fault; they are skipped, however many cases are asked for.
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    #[test]
    fn sound_histories_pass(steps in prop::collection::vec(step(), 0..80)) {
        let verdict = verify(&Model::run(&steps));
        prop_assert!(verdict.violations.is_empty(), "{verdict}");
        prop_assert_eq!(verdict.counts.unwitnessed, 0);
    }

    #[test]
    fn a_lost_entry_is_found(steps in prop::collection::vec(step(), 0..80), pick: prop::sample::Index) {
        let plant: Plant = |records, index| {
            // Withdrawn anyway, or the stay ended with it: nobody can tell, and nobody has to.
            let tells = !matches!(next_seen(records, index), Some(Event::Void { .. } | Event::Left { .. } | Event::Join { .. }));
            records.remove(index);
            tells
        };
        check(&steps, pick, is_entry, plant, |violation| matches!(violation, Violation::Hole { .. } | Violation::Behind { .. }))?;
    }

    #[test]
    fn a_doubled_entry_is_found(steps in prop::collection::vec(step(), 0..80), pick: prop::sample::Index) {
        let plant: Plant = |records, index| {
            records.insert(index + 1, records[index].clone());
            true
        };
        check(&steps, pick, is_entry, plant, |violation| matches!(violation, Violation::Doubled { .. }))?;
    }

    #[test]
    fn reordered_entries_are_found(steps in prop::collection::vec(step(), 0..80), pick: prop::sample::Index) {
        let plant: Plant = |records, index| {
            let follows = index + 1 < records.len() && is_entry(&records[index + 1].event);
            if follows {
                records.swap(index, index + 1);
            }
            follows
        };
        let found: Found = |violation| {
            matches!(violation, Violation::Reordered { .. } | Violation::Hole { .. } | Violation::NotVoided { .. })
        };
        check(&steps, pick, is_entry, plant, found)?;
    }

    #[test]
    fn a_wrong_place_in_an_acknowledgement_is_found(steps in prop::collection::vec(step(), 0..80), pick: prop::sample::Index) {
        let plant: Plant = |records, index| {
            let durable = matches!(records[index].event, Event::Acked { durable: true, .. });
            if let Some(position) = position_of(&mut records[index].event) {
                position.n += 1;
            }
            durable
        };
        let found: Found = |violation| {
            matches!(violation, Violation::Disagreement { .. } | Violation::Behind { .. })
        };
        check(&steps, pick, |event| matches!(event, Event::Acked { .. }), plant, found)?;
    }

    #[test]
    fn a_phantom_is_found(steps in prop::collection::vec(step(), 0..80), pick: prop::sample::Index) {
        let plant: Plant = |records, index| {
            if let Event::Entry { id, .. } = &mut records[index].event {
                *id = "nobody's".into();
            }
            true
        };
        let found: Found = |violation| {
            matches!(violation, Violation::Phantom { .. } | Violation::Disagreement { .. })
        };
        check(&steps, pick, is_entry, plant, found)?;
    }

    #[test]
    fn a_void_that_was_not_told_is_found(steps in prop::collection::vec(step(), 0..80), pick: prop::sample::Index) {
        let plant: Plant = |records, index| {
            // Told again by the next void, or the stay ended: then it makes no difference.
            let tells = matches!(next_seen(records, index), Some(Event::Entry { .. }));
            records.remove(index);
            tells
        };
        let found: Found = |violation| matches!(violation, Violation::NotVoided { .. });
        check(&steps, pick, |event| matches!(event, Event::Void { .. }), plant, found)?;
    }

    #[test]
    fn a_stay_that_starts_too_late_is_found(steps in prop::collection::vec(step(), 0..80), pick: prop::sample::Index) {
        let plant: Plant = |records, index| {
            let Event::Joined { from, .. } = &mut records[index].event else { return false };
            from.n += 1;
            true
        };
        let found: Found = |violation| {
            matches!(violation, Violation::WrongStart { .. } | Violation::Doubled { .. } | Violation::Reordered { .. } | Violation::NotVoided { .. } | Violation::WrongNotice { .. })
        };
        let joined_and_read = |event: &Event| matches!(event, Event::Joined { .. });
        let mut histories = Model::run(&steps);
        let places = all(&histories, joined_and_read);
        let (client, index) = places[pick.index(places.len())];
        let records = &histories[client].records;
        // Without anything to read afterwards a late start shows only where a cursor was given.
        let asked = matches!(records[index - 1].event, Event::Join { after: Some(_), .. });
        let next = records[index + 1..].iter().map(|record| &record.event).find(|event| matches!(event, Event::Entry { .. } | Event::Void { .. } | Event::Left { .. } | Event::Join { .. }));
        prop_assume!(asked || matches!(next, Some(Event::Entry { .. })));
        plant(&mut histories[client].records, index);
        let violations = verify(&histories).violations;
        prop_assert!(violations.iter().any(found), "{violations:?}");
    }
}

fn client(name: &str, events: Vec<Event>) -> History {
    let records = events.into_iter().enumerate().map(|(index, event)| Record { at: index as u64, event });
    History { client: name.into(), records: records.collect() }
}

fn at(epoch: u64, n: u64) -> Position {
    Position { epoch, n }
}

fn joined(n: u64) -> Event {
    Event::Joined { room: ROOM.into(), from: at(1, n) }
}

fn entry(epoch: u64, n: u64, id: &str) -> Event {
    Event::Entry { room: ROOM.into(), position: at(epoch, n), id: id.into() }
}

fn sent(id: &str) -> Event {
    Event::Sent { room: ROOM.into(), id: id.into() }
}

fn acked(epoch: u64, n: u64, id: &str) -> Event {
    Event::Acked { room: ROOM.into(), id: id.into(), position: at(epoch, n), durable: true }
}

fn void(epoch: u64, n: u64) -> Event {
    Event::Void { room: ROOM.into(), after: at(epoch, n) }
}

fn logged(epoch: u64, n: u64, id: &str) -> Event {
    Event::Logged { room: ROOM.into(), position: at(epoch, n), id: id.into() }
}

fn kinds(histories: &[History]) -> Vec<Violation> {
    verify(histories).violations
}

#[test]
fn a_send_that_stands_twice_is_found() {
    let seen = client("a", vec![joined(0), sent("x"), entry(1, 1, "x"), entry(1, 2, "x"), Event::End]);
    assert!(matches!(kinds(&[seen])[..], [Violation::AppendedTwice { .. }]));
}

#[test]
fn an_entry_that_was_withdrawn_may_come_again_unless_it_was_acknowledged_at_its_first_place() {
    let before =
        |ack: Event| vec![joined(0), sent("x"), entry(1, 1, "x"), void(1, 0), sent("y"), entry(2, 1, "y"), ack];
    let moved = |ack| client("a", [before(ack), vec![entry(2, 2, "x"), Event::End]].concat());
    assert_eq!(kinds(&[moved(acked(2, 2, "x"))]), []);
    assert!(matches!(kinds(&[moved(acked(1, 1, "x"))])[..], [Violation::AckedVoided { .. }]));
    let lost = client("a", [before(acked(1, 1, "x")), vec![Event::End]].concat());
    assert!(matches!(kinds(&[lost])[..], [Violation::AckedLost { .. }, Violation::AckedVoided { .. }]));
}

#[test]
fn what_was_not_replicated_may_be_withdrawn_and_is_counted_apart() {
    let ack = Event::Acked { room: ROOM.into(), id: "x".into(), position: at(1, 1), durable: false };
    let events = vec![joined(0), sent("x"), ack, entry(1, 1, "x"), void(1, 0), sent("y"), entry(2, 1, "y"), Event::End];
    let verdict = verify(&[client("a", events)]);
    assert_eq!(verdict.violations, []);
    assert_eq!((verdict.counts.unreplicated, verdict.counts.unreplicated_lost), (1, 1));
}

#[test]
fn a_void_of_what_still_stands_is_found() {
    let told = client("a", vec![joined(0), sent("x"), entry(1, 1, "x"), void(1, 0), entry(1, 1, "x"), Event::End]);
    assert!(matches!(kinds(&[told])[..], [Violation::NeedlessVoid { .. }]));
}

#[test]
fn a_gap_over_what_the_log_holds_is_found() {
    let gap = |reset, to| Event::Gap { room: ROOM.into(), from: at(1, 1), to, reset };
    let log = || client("log", vec![logged(1, 1, "x"), logged(1, 2, "y"), logged(1, 3, "z")]);
    let start = || vec![joined(0), sent("x"), sent("y"), sent("z"), entry(1, 1, "x")];
    let trimmed = client("a", [start(), vec![gap(false, at(1, 2)), entry(1, 3, "z"), Event::End]].concat());
    assert_eq!(
        kinds(&[log(), trimmed]),
        [Violation::NeedlessGap { client: "a".into(), room: ROOM.into(), position: at(1, 2) }]
    );
    let again = vec![entry(1, 1, "x"), entry(1, 2, "y"), entry(1, 3, "z"), Event::End];
    let reset = client("a", [start(), vec![gap(true, at(1, 0))], again].concat());
    assert_eq!(
        kinds(&[log(), reset]),
        [Violation::NeedlessGap { client: "a".into(), room: ROOM.into(), position: at(1, 1) }]
    );
}

#[test]
fn a_lost_data_set_is_excused_by_a_reset_alone() {
    let reset = Event::Gap { room: ROOM.into(), from: at(1, 1), to: at(2, 0), reset: true };
    let before = || vec![joined(0), sent("x"), acked(1, 1, "x"), entry(1, 1, "x")];
    let after = || vec![sent("y"), acked(2, 1, "y"), entry(2, 1, "y"), Event::End];
    let log = || client("log", vec![logged(2, 1, "y")]);
    let verdict = verify(&[log(), client("a", [before(), vec![reset.clone()], after()].concat())]);
    assert_eq!((verdict.violations, verdict.counts.reset), (vec![], 1));
    let hidden = kinds(&[log(), client("a", [before(), after()].concat())]);
    assert!(hidden.iter().any(|violation| matches!(violation, Violation::NotVoided { .. })), "{hidden:?}");
    // What was acknowledged on the new log has no excuse.
    let late = client("b", vec![sent("z"), acked(2, 2, "z")]);
    let lost = kinds(&[log(), late, client("a", [before(), vec![reset], after()].concat())]);
    assert!(lost.iter().any(|violation| matches!(violation, Violation::AckedLost { .. })), "{lost:?}");
}

#[test]
fn an_acknowledged_send_that_the_log_lacks_is_lost_although_nobody_saw_it() {
    let log = client("log", vec![logged(1, 1, "x")]);
    let sender = client("a", vec![sent("x"), acked(1, 1, "x"), sent("y"), acked(1, 2, "y")]);
    assert!(matches!(kinds(&[log, sender])[..], [Violation::AckedLost { .. }]));
}

#[test]
fn a_client_that_did_not_come_back_is_found() {
    let connected = || Event::Connected { recovered: false, presented: false };
    let gone = client("a", vec![connected(), Event::Disconnected { how: "cut".into() }, Event::End]);
    assert_eq!(kinds(&[gone]), [Violation::NotBack { client: "a".into() }]);
    assert_eq!(kinds(&[client("b", vec![connected()])]), [Violation::NotBack { client: "b".into() }]);
    assert_eq!(kinds(&[client("c", vec![connected(), Event::End])]), []);
}

#[test]
fn nobody_has_to_withdraw_what_it_saw_in_an_earlier_stay() {
    let join = |after| Event::Join { room: ROOM.into(), after };
    let anew = Event::Joined { room: ROOM.into(), from: at(2, 1) };
    let left = Event::Left { room: ROOM.into() };
    let told = || {
        client("a", vec![joined(0), sent("x"), sent("y"), entry(1, 1, "x"), void(1, 0), entry(2, 1, "y"), Event::End])
    };
    let stay = |after, anew| vec![join(None), joined(0), entry(1, 1, "x"), left.clone(), join(after), anew, Event::End];
    assert_eq!(kinds(&[told(), client("b", stay(None, anew))]), []);
    // Who goes on from there has to be told.
    let on = Event::Joined { room: ROOM.into(), from: at(1, 1) };
    let hidden = kinds(&[told(), client("b", stay(Some(at(1, 1)), on))]);
    assert!(matches!(hidden[..], [Violation::Diverged { .. }]), "{hidden:?}");
}

#[test]
fn a_lost_session_is_counted() {
    let connected = |presented| Event::Connected { recovered: false, presented };
    let cut = Event::Disconnected { how: "cut".into() };
    let counts = verify(&[client("a", vec![connected(false), cut, connected(true), Event::End])]).counts;
    assert_eq!((counts.sessions_lost, counts.fresh), (1, 2));
}

#[test]
fn nobody_may_end_with_what_others_had_to_withdraw() {
    let told = client(
        "a",
        vec![
            joined(0),
            sent("x"),
            sent("y"),
            entry(1, 1, "x"),
            Event::Void { room: ROOM.into(), after: at(1, 0) },
            entry(2, 1, "y"),
            Event::End,
        ],
    );
    let not_told = client("b", vec![joined(0), entry(1, 1, "x"), Event::End]);
    assert!(matches!(kinds(&[told, not_told])[..], [Violation::Diverged { .. }]));
}

#[test]
fn a_gap_is_accounted_for_but_must_fit() {
    let gap = |from, to| Event::Gap { room: ROOM.into(), from: at(1, from), to: at(1, to), reset: false };
    let writer = || client("w", vec![joined(3), sent("x"), acked(1, 4, "x"), entry(1, 4, "x"), Event::End]);
    let fits = client("a", vec![joined(0), gap(0, 3), entry(1, 4, "x"), Event::End]);
    assert_eq!(kinds(&[writer(), fits]), []);
    let short = client("a", vec![joined(0), gap(0, 2), entry(1, 4, "x"), Event::End]);
    assert!(matches!(kinds(&[writer(), short])[..], [Violation::Hole { .. }]));
    let misplaced = client("a", vec![joined(0), gap(1, 3), entry(1, 4, "x"), Event::End]);
    assert!(matches!(kinds(&[writer(), misplaced])[..], [Violation::WrongNotice { .. }]));
}

#[test]
fn entries_after_leaving_are_found() {
    let left = client("a", vec![joined(0), sent("x"), Event::Left { room: ROOM.into() }, entry(1, 1, "x")]);
    assert!(matches!(kinds(&[left])[..], [Violation::OutsideStay { .. }]));
}

#[test]
fn an_order_against_the_clock_is_found() {
    let later = client(
        "a",
        vec![
            joined(0),
            sent("x"),
            acked(1, 2, "x"),
            sent("y"),
            acked(1, 1, "y"),
            entry(1, 1, "y"),
            entry(1, 2, "x"),
            Event::End,
        ],
    );
    assert!(matches!(kinds(&[later])[..], [Violation::AgainstTheClock { .. }]));
}

#[test]
fn an_acknowledged_send_that_nobody_got_is_found() {
    let silent = client("a", vec![joined(0), sent("x"), acked(1, 1, "x"), Event::End]);
    assert!(matches!(kinds(&[silent])[..], [Violation::Behind { .. }]));
}
