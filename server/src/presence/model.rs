//! Servers that come, go, lose words and lose what they stored, against the plain truth: once it is quiet, all that show a room show the same of it, and
//! nobody who is not there.
//!
//! What each server knows and says is the real thing; the channel, the store's faults, the registry and the order of everything are chance.

use super::memory::{MemoryPresence, Shared};
use super::{PresenceStore, Voice};
use crate::room::{Asked, Crowd, Kept, NAMES_MAX, Presence, Said};
use crate::user::{User, Users};
use chat_socket::Boot;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

const SERVERS: usize = 3;
const ROOMS: usize = 2;
const USERS: u8 = 150;

#[derive(Clone, Debug)]
enum Step {
    Enter {
        server: usize,
        room: usize,
        users: Range<u8>,
    },
    Leave {
        server: usize,
        room: usize,
        users: Range<u8>,
    },
    /// The server tells the others. Which of them do not hear, and whether the store does, is in the bits.
    Announce {
        server: usize,
        lost: u8,
    },
    /// The first words that wait come in.
    Deliver {
        server: usize,
        words: usize,
    },
    /// The store is read now, and what it answered is taken in later.
    Ask {
        server: usize,
        room: usize,
    },
    Answer {
        server: usize,
    },
    Renew {
        server: usize,
    },
    /// The store loses what a server said.
    Lose {
        server: usize,
    },
    /// The server dies, and another one begins in its place.
    Kill {
        server: usize,
    },
    /// The registry tells a server who is there; or, wrongly, that somebody is not.
    Look {
        server: usize,
        wrong: Option<usize>,
    },
}

struct Server {
    boot: Boot,
    users: Users,
    here: [HashMap<u8, Arc<User>>; ROOMS],
    presence: [Presence; ROOMS],
    changed: BTreeSet<usize>,
    voice: Voice<usize>,
    words: VecDeque<(Boot, usize, Said)>,
    known: BTreeSet<Boot>,
    answers: VecDeque<(usize, Vec<Boot>, Asked, Vec<Kept>)>,
    store: MemoryPresence,
}

struct World {
    servers: Vec<Server>,
    shared: Shared,
    boots: u64,
}

fn name(room: usize) -> Arc<str> {
    "r".repeat(room + 1).into()
}

impl Server {
    fn new(boot: Boot, shared: &Shared) -> Self {
        Self {
            boot,
            users: Users::default(),
            here: Default::default(),
            presence: Default::default(),
            changed: BTreeSet::new(),
            voice: Voice::default(),
            words: VecDeque::new(),
            known: BTreeSet::new(),
            answers: VecDeque::new(),
            store: shared.at(boot, Duration::from_secs(3600)),
        }
    }

    fn enter(&mut self, room: usize, users: Range<u8>) {
        for id in users {
            let user = self.users.meet(&id.to_string(), "name", true);
            if self.here[room].insert(id, user.clone()).is_none() {
                self.presence[room].enter(&user);
            }
        }
        self.changed.insert(room);
    }

    fn leave(&mut self, room: usize, users: Range<u8>) {
        for id in users {
            if let Some(user) = self.here[room].remove(&id) {
                self.presence[room].exit(&user);
            }
        }
        if self.here[room].is_empty() {
            self.presence[room].unfollow();
        }
        self.changed.insert(room);
    }

    fn announce(&mut self) -> Vec<(usize, Said)> {
        let mut words = Vec::new();
        for room in std::mem::take(&mut self.changed) {
            let presence = &mut self.presence[room];
            if presence.wants_names() {
                presence.name(self.here[room].values().cloned().collect());
            }
            words.extend(self.voice.say(&name(room), &room, presence.to_say()).map(|said| (room, said)));
        }
        words
    }

    fn deliver(&mut self, words: usize) {
        for _ in 0..words {
            let Some((boot, room, said)) = self.words.pop_front() else { return };
            let follows = !self.here[room].is_empty();
            if follows && self.known.contains(&boot) && self.presence[room].hear(boot, said) {
                self.changed.insert(room);
            }
        }
    }

    fn ask(&mut self, room: usize) {
        if self.here[room].is_empty() {
            return;
        }
        let boots: Vec<_> = self.known.iter().copied().collect();
        let asked = self.presence[room].ask(&name(room), &boots);
        if let Ok(mut kept) = self.store.look(&boots, std::slice::from_ref(&asked)) {
            self.answers.push_back((room, boots, asked, kept.remove(0)));
        }
    }

    fn answer(&mut self) {
        let Some((room, boots, asked, kept)) = self.answers.pop_front() else { return };
        let presence = &mut self.presence[room];
        let mut news = presence.correct(&asked, &boots, kept);
        news |= presence.keep(|boot| self.known.contains(&boot));
        if news {
            self.changed.insert(room);
        }
    }

    fn renew(&mut self) {
        for part in self.store.renewed(self.voice.sums(|room| self.store.part_of(room))) {
            let words =
                self.voice.repeat(|name| self.store.part_of(name) == part, |room| self.presence[*room].to_say());
            self.store.replace(part, &words);
        }
    }

    fn look(&mut self, now: BTreeSet<Boot>) {
        let appeared = !now.is_subset(&self.known);
        self.known = now;
        for room in 0..ROOMS {
            if self.presence[room].keep(|boot| self.known.contains(&boot)) {
                self.changed.insert(room);
            }
            if appeared {
                self.ask(room);
            }
        }
    }
}

impl World {
    fn new() -> Self {
        let shared = Shared::default();
        let servers = (1..=SERVERS as u64).map(|boot| Server::new(Boot(boot), &shared)).collect();
        Self { servers, shared, boots: SERVERS as u64 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Enter { server, room, users } => {
                let first = self.servers[server].here[room].is_empty();
                self.servers[server].enter(room, users);
                if first {
                    // A watch begins with a disturbance.
                    self.servers[server].ask(room);
                }
            }
            Step::Leave { server, room, users } => self.servers[server].leave(room, users),
            Step::Announce { server, lost } => self.announce(server, lost),
            Step::Deliver { server, words } => self.servers[server].deliver(words),
            Step::Ask { server, room } => self.servers[server].ask(room),
            Step::Answer { server } => self.servers[server].answer(),
            Step::Renew { server } => self.servers[server].renew(),
            Step::Lose { server } => self.shared.lose(self.servers[server].boot),
            Step::Kill { server } => {
                self.boots += 1;
                self.servers[server] = Server::new(Boot(self.boots), &self.shared);
            }
            Step::Look { server, wrong } => self.look(server, wrong),
        }
    }

    fn announce(&mut self, server: usize, lost: u8) {
        let boot = self.servers[server].boot;
        for (room, said) in self.servers[server].announce() {
            if lost >> SERVERS & 1 == 0 {
                self.servers[server].store.write(&name(room), &said);
            }
            for (at, other) in self.servers.iter_mut().enumerate() {
                if at != server && lost >> at & 1 == 0 {
                    other.words.push_back((boot, room, said.clone()));
                }
            }
        }
    }

    fn look(&mut self, server: usize, wrong: Option<usize>) {
        let others = self.servers.iter().enumerate().filter(|(at, _)| *at != server && wrong != Some(*at));
        let now = others.map(|(_, other)| other.boot).collect();
        self.servers[server].look(now);
    }

    /// All that happens by itself within the time that a word may be out of date.
    fn quiet(&mut self) {
        for _ in 0..3 {
            for server in 0..SERVERS {
                self.look(server, None);
                self.announce(server, 0);
                self.servers[server].renew();
                let server = &self.servers[server];
                self.shared.expire(server.boot, &server.voice.sums(|room| server.store.part_of(room)));
            }
            for server in &mut self.servers {
                (0..ROOMS).for_each(|room| server.ask(room));
                server.deliver(usize::MAX);
                while !server.answers.is_empty() {
                    server.answer();
                }
            }
        }
    }

    /// What happens at once, where nothing gets lost.
    fn settle(&mut self) {
        for _ in 0..3 {
            for server in 0..SERVERS {
                self.look(server, None);
                while !self.servers[server].answers.is_empty() {
                    self.servers[server].answer();
                }
                self.announce(server, 0);
            }
            for server in &mut self.servers {
                server.deliver(usize::MAX);
            }
        }
    }

    fn truth(&self, room: usize) -> Crowd {
        let here = || self.servers.iter().map(|server| &server.here[room]);
        let counted: usize = here().map(HashMap::len).sum();
        if counted > NAMES_MAX {
            return Crowd { online: counted, names: None };
        }
        let users: HashMap<&u8, &Arc<User>> = here().flatten().collect();
        let mut names: Vec<_> = users.into_values().map(crate::room::Named::from).collect();
        names.sort();
        Crowd { online: names.len(), names: Some(names) }
    }
}

fn users() -> impl Strategy<Value = Range<u8>> {
    let few = (0..6_u8, 1..4_u8).prop_map(|(first, count)| first..first + count);
    let many = (0..USERS, 1..USERS).prop_map(|(first, count)| first..first.saturating_add(count).min(USERS));
    prop_oneof![3 => few, 1 => many]
}

fn step() -> impl Strategy<Value = Step> {
    let at = || (0..SERVERS, 0..ROOMS);
    prop_oneof![
        4 => (at(), users()).prop_map(|((server, room), users)| Step::Enter { server, room, users }),
        3 => (at(), users()).prop_map(|((server, room), users)| Step::Leave { server, room, users }),
        5 => (0..SERVERS, any::<u8>()).prop_map(|(server, lost)| Step::Announce { server, lost: lost & lost.rotate_left(4) }),
        5 => (0..SERVERS, 1..4_usize).prop_map(|(server, words)| Step::Deliver { server, words }),
        2 => at().prop_map(|(server, room)| Step::Ask { server, room }),
        3 => (0..SERVERS).prop_map(|server| Step::Answer { server }),
        1 => (0..SERVERS).prop_map(|server| Step::Renew { server }),
        1 => (0..SERVERS).prop_map(|server| Step::Lose { server }),
        1 => (0..SERVERS).prop_map(|server| Step::Kill { server }),
        2 => (0..SERVERS, proptest::option::weighted(0.3, 0..SERVERS)).prop_map(|(server, wrong)| Step::Look { server, wrong }),
    ]
}

/// Steps in which nothing gets lost, and the registry is right.
fn faultless(step: Step) -> Step {
    match step {
        Step::Announce { server, lost: _ } => Step::Announce { server, lost: 0 },
        Step::Look { server, wrong: _ } => Step::Look { server, wrong: None },
        Step::Lose { server } => Step::Renew { server },
        Step::Enter { .. }
        | Step::Leave { .. }
        | Step::Deliver { .. }
        | Step::Ask { .. }
        | Step::Answer { .. }
        | Step::Renew { .. }
        | Step::Kill { .. } => step,
    }
}

fn all_show_the_truth(world: &World) -> Result<(), TestCaseError> {
    for room in 0..ROOMS {
        let truth = world.truth(room);
        for server in world.servers.iter().filter(|server| !server.here[room].is_empty()) {
            let mut shown = server.presence[room].together();
            if let Some(names) = &mut shown.names {
                names.sort();
            }
            prop_assert_eq!(&shown, &truth, "room {} on {}", room, server.boot);
            prop_assert_eq!(server.presence[room].online(), truth.online);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn all_come_to_show_the_truth(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.quiet();
        all_show_the_truth(&world)?;
        for server in &world.servers {
            let rooms = server.here.iter().filter(|here| !here.is_empty()).count();
            prop_assert_eq!(world.shared.rooms(server.boot), rooms, "the store holds what is said, no more");
        }
    }

    #[test]
    fn without_faults_nothing_has_to_be_read_again(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        (0..SERVERS).for_each(|server| world.look(server, None));
        for step in steps {
            world.step(faultless(step));
        }
        world.settle();
        all_show_the_truth(&world)?;
    }
}
