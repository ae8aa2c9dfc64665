//! The plan in random worlds: pods that come late and die, an operator that ends between any two steps, people who change their mind.

use chat_operator::drain::{CHANGES_MAX, Pace, Plan, Recorded, Revision, RolloutState, Server, Wanted, World, plan};
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// A pod, with the time that it takes to become ready.
struct Pod {
    server: Server,
    ready_in: u32,
    drain_rate: Option<u32>,
    draining_since: Option<Timestamp>,
}

/// A client: where it is, and how often it was sent away since the last rollout began.
struct Client {
    pod: Option<usize>,
    disconnects: u32,
}

struct Sim {
    random: StdRng,
    now: Timestamp,
    wanted: Wanted,
    deployments: Vec<Revision>,
    pods: Vec<Pod>,
    clients: Vec<Client>,
    service: Option<String>,
    recorded: Vec<Recorded>,
    rollout: Option<RolloutState>,
    rebalanced_at: Option<Timestamp>,
    redis_healthy: bool,
    names: usize,
}

const DEADLINE: SignedDuration = SignedDuration::from_secs(60);

impl Sim {
    fn new(seed: u64, replicas: usize, clients: usize) -> Self {
        let pace = Pace {
            drain_rate: 20,
            drain_deadline: DEADLINE,
            rollout_rate: 15,
            wave_percent: 25,
            rebalance_rate: None,
            rebalance_cooldown: SignedDuration::from_secs(60),
        };
        Self {
            random: StdRng::seed_from_u64(seed),
            now: Timestamp::from_second(1_800_000_000).expect("a time"),
            wanted: Wanted { replicas, revision: "r0".into(), pace },
            deployments: Vec::new(),
            pods: Vec::new(),
            clients: (0..clients).map(|_| Client { pod: None, disconnects: 0 }).collect(),
            service: None,
            recorded: Vec::new(),
            rollout: None,
            rebalanced_at: None,
            redis_healthy: true,
            names: 0,
        }
    }

    fn connections(&self, pod: usize) -> u64 {
        self.clients.iter().filter(|client| client.pod == Some(pod)).count() as u64
    }

    fn world(&mut self, deaf: f64) -> World {
        let mut servers = Vec::new();
        for at in 0..self.pods.len() {
            let mut server = self.pods[at].server.clone();
            let answers = server.ready && !self.random.random_bool(deaf);
            server.connections = answers.then(|| self.connections(at));
            servers.push(server);
        }
        World {
            now: self.now,
            wanted: self.wanted.clone(),
            revisions: self.deployments.clone(),
            servers,
            recorded: self.recorded.clone(),
            rollout: self.rollout.clone(),
            service: self.service.clone(),
            rebalanced_at: self.rebalanced_at,
            redis_healthy: self.redis_healthy,
        }
    }

    /// The operator looks; it may end after some of its steps.
    fn look(&mut self, crash: f64, deaf: f64) -> Plan {
        let world = self.world(deaf);
        let plan = plan(&world);
        check(&world, &plan);
        let mut steps = 0;
        let until = if self.random.random_bool(crash) { self.random.random_range(0..8) } else { 8 };
        let mut goes_on = || {
            steps += 1;
            steps <= until
        };
        if goes_on() {
            self.recorded.clone_from(&plan.recorded);
            self.rollout.clone_from(&plan.rollout);
            self.rebalanced_at = plan.rebalanced_at;
        }
        if goes_on() {
            self.service = Some(plan.service.clone());
        }
        if goes_on() {
            for name in &plan.undrain {
                self.pod(name).drain_rate = None;
            }
            for name in &plan.open {
                self.pod(name).server.open = true;
            }
        }
        if goes_on() {
            for name in &plan.shut {
                self.pod(name).server.open = false;
            }
        }
        if goes_on() {
            let now = self.now;
            for pod in &mut self.pods {
                let lease = plan.drain.iter().find(|drain| drain.name == pod.server.name);
                pod.drain_rate = lease.map(|lease| lease.rate);
                pod.draining_since = lease.and(pod.draining_since.or(Some(now)));
            }
        }
        if goes_on() {
            for name in &plan.unmark {
                self.pod(name).server.marked = false;
            }
            for name in &plan.mark {
                self.pod(name).server.marked = true;
            }
        }
        if goes_on() {
            self.deployments = plan
                .replicas
                .iter()
                .map(|size| Revision { hash: size.revision.clone(), replicas: size.replicas })
                .collect();
            let has_pods = |hash: &str| self.pods.iter().any(|pod| pod.server.revision == hash);
            let target = self.wanted.revision.clone();
            let gone: Vec<_> = self
                .deployments
                .iter()
                .filter(|d| d.hash != target && d.replicas == 0 && !has_pods(&d.hash))
                .map(|d| d.hash.clone())
                .collect();
            self.deployments.retain(|d| !gone.contains(&d.hash));
        }
        plan
    }

    fn pod(&mut self, name: &str) -> &mut Pod {
        self.pods.iter_mut().find(|pod| pod.server.name == name).expect("a pod of this name")
    }

    /// A second passes: Kubernetes makes and removes pods, servers close connections, clients come back.
    fn second(&mut self, settled: bool) {
        self.now += SignedDuration::from_secs(1);
        for at in 0..self.deployments.len() {
            let Revision { hash, replicas } = self.deployments[at].clone();
            let own = |pod: &Pod| pod.server.revision == hash && !pod.server.deleting;
            let there = self.pods.iter().filter(|pod| own(pod)).count();
            for _ in there..replicas {
                self.names += 1;
                let ready_in = if settled { 1 } else { self.random.random_range(0..6) };
                let server = Server {
                    name: format!("pod-{}", self.names),
                    uid: format!("uid-{}", self.names),
                    revision: hash.clone(),
                    ready: false,
                    open: false,
                    deleting: false,
                    connections: None,
                    marked: false,
                };
                self.pods.push(Pod { server, ready_in, drain_rate: None, draining_since: None });
            }
            for _ in replicas..there {
                // Not ready first, then the marked, then any.
                let candidates = self.pods.iter().enumerate().filter(|(_, pod)| own(pod));
                let (victim, _) =
                    candidates.min_by_key(|(_, pod)| (pod.server.ready, !pod.server.marked)).expect("a pod to remove");
                let (pod, connections) = (&self.pods[victim], self.connections(victim));
                let late = self
                    .recorded
                    .iter()
                    .any(|r| r.uid == pod.server.uid && self.now.duration_since(r.since) >= DEADLINE);
                assert!(connections == 0 || late, "{} was removed with {connections} clients", pod.server.name);
                self.pods[victim].server.deleting = true;
            }
        }
        self.remove(|pod| pod.server.deleting);
        for at in 0..self.pods.len() {
            let pod = &mut self.pods[at];
            pod.ready_in = pod.ready_in.saturating_sub(1);
            pod.server.ready = pod.ready_in == 0;
            let rate = pod.drain_rate.unwrap_or(0) as usize;
            let leaving = self.clients.iter_mut().filter(|client| client.pod == Some(at)).take(rate);
            for client in leaving {
                client.pod = None;
                client.disconnects += 1;
            }
        }
        let service = self.service.clone();
        let open: Vec<_> = (0..self.pods.len())
            .filter(|at| self.pods[*at].server.serves() && Some(&self.pods[*at].server.revision) == service.as_ref())
            .collect();
        for client in self.clients.iter_mut().filter(|client| client.pod.is_none()) {
            client.pod = open.choose(&mut self.random).copied();
        }
    }

    /// Pods end, and their clients are without one.
    fn remove(&mut self, ends: impl Fn(&Pod) -> bool) {
        for at in (0..self.pods.len()).rev() {
            if ends(&self.pods[at]) {
                self.pods.remove(at);
                for client in &mut self.clients {
                    client.pod = match client.pod {
                        Some(pod) if pod == at => {
                            client.disconnects += 1;
                            None
                        }
                        Some(pod) if pod > at => Some(pod - 1),
                        other => other,
                    };
                }
            }
        }
    }

    /// Until the world is as wanted and the plan is to do nothing; fails if that takes too long.
    fn settle(&mut self) {
        for _ in 0..2_000 {
            let plan = self.look(0.0, 0.0);
            self.second(true);
            if self.is_as_wanted() && plan.drain.is_empty() && plan.open.is_empty() && plan.shut.is_empty() {
                let again = self.look(0.0, 0.0);
                assert!(
                    again.recorded.is_empty()
                        && again.rollout.is_none()
                        && again.mark.is_empty()
                        && again.unmark.is_empty()
                );
                return;
            }
        }
        let world = self.world(0.0);
        panic!("the world does not settle:\n{world:#?}\n{:#?}", plan(&world));
    }

    fn is_as_wanted(&self) -> bool {
        let all = self.pods.iter().all(|pod| pod.server.serves() && pod.server.revision == self.wanted.revision);
        all && self.pods.len() == self.wanted.replicas && self.recorded.is_empty() && self.rollout.is_none()
    }
}

/// What holds for every plan.
fn check(world: &World, plan: &Plan) {
    let recorded = |uid: &str| plan.recorded.iter().any(|record| record.uid == uid);
    let before = |uid: &str| world.recorded.iter().any(|record| record.uid == uid);
    let serving = |kept: &dyn Fn(&str) -> bool| world.servers.iter().filter(|s| s.serves() && !kept(&s.uid)).count();
    let (had, keeps) = (serving(&before), serving(&recorded));
    assert!(keeps >= had.min(world.wanted.replicas), "too few would serve: {keeps} of {had}\n{world:#?}\n{plan:#?}");
    let rate: u32 = plan.drain.iter().map(|drain| drain.rate).sum();
    let bound = if plan.rollout.is_some() { world.wanted.pace.rollout_rate } else { world.wanted.pace.drain_rate };
    assert!(rate <= bound, "{rate} closes a second, {bound} are allowed");
    for name in plan.shut.iter().chain(plan.drain.iter().map(|drain| &drain.name)).chain(&plan.mark) {
        let server = world.servers.iter().find(|server| server.name == *name).expect("a server that is there");
        assert!(before(&server.uid) && recorded(&server.uid), "{name} was not written down before");
    }
    let gates = plan.shut.len() + plan.open.len();
    assert!(gates.max(plan.mark.len() + plan.unmark.len()) <= CHANGES_MAX, "too much at one look: {plan:#?}");
    for drain in &plan.drain {
        let server = world.servers.iter().find(|server| server.name == drain.name).expect("a server that is there");
        assert!(!server.open || plan.shut.contains(&server.name), "{} would get back whom it closes", server.name);
    }
    for size in &plan.replicas {
        let present = world
            .revisions
            .iter()
            .find(|revision| revision.hash == size.revision)
            .map_or(0, |revision| revision.replicas);
        let marked = world.servers.iter().filter(|s| s.revision == size.revision && s.marked && !s.deleting).count();
        assert!(size.replicas + marked >= present, "more would be removed than are marked:\n{world:#?}\n{plan:#?}");
    }
}

#[test]
fn random_worlds_settle_and_keep_the_rules() {
    for seed in 0..2_000 {
        let mut sim = Sim::new(seed, 3, 60);
        for step in 0..150 {
            if sim.random.random_bool(0.7) {
                sim.look(0.2, 0.05);
            }
            sim.second(false);
            match sim.random.random_range(0..40) {
                0 => sim.wanted.replicas = sim.random.random_range(1..9),
                1 if step > 20 => sim.wanted.revision = format!("r{}", sim.random.random_range(0..3)),
                2 => {
                    let count = sim.pods.len().max(1);
                    let victim = sim.random.random_range(0..count);
                    let name = sim.pods.get(victim).map(|pod| pod.server.name.clone());
                    sim.remove(|pod| Some(&pod.server.name) == name.as_ref());
                }
                3 => sim.redis_healthy = !sim.redis_healthy,
                _ => {}
            }
        }
        sim.redis_healthy = true;
        sim.settle();
    }
}

#[test]
fn hundreds_are_changed_a_few_at_a_look() {
    let mut sim = Sim::new(1, 100, 300);
    sim.settle();
    sim.wanted.replicas = 10;
    sim.settle();
    sim.wanted.revision = "r1".into();
    sim.wanted.replicas = 50;
    sim.settle();
}

#[test]
fn a_rollout_disconnects_each_client_at_most_once_and_never_leaves_it_without_a_server() {
    for seed in 0..500 {
        let mut sim = Sim::new(seed, 1 + seed as usize % 8, 300);
        sim.wanted.pace.drain_deadline = SignedDuration::from_hours(1);
        sim.settle();
        sim.wanted.revision = "r1".into();
        sim.clients.iter_mut().for_each(|client| client.disconnects = 0);
        for _ in 0..2_000 {
            sim.look(0.1, 0.0);
            let before: u32 = sim.clients.iter().map(|client| client.disconnects).sum();
            sim.second(false);
            let closed = sim.clients.iter().map(|client| client.disconnects).sum::<u32>() - before;
            assert!(closed <= sim.wanted.pace.rollout_rate, "{closed} closes in a second");
            assert!(sim.clients.iter().all(|client| client.pod.is_some()), "somebody finds no server");
            if sim.is_as_wanted() {
                break;
            }
        }
        assert!(sim.is_as_wanted());
        let most = sim.clients.iter().map(|client| client.disconnects).max().unwrap_or(0);
        assert!(most <= 1, "a client was disconnected {most} times");
    }
}

#[test]
fn a_scale_down_takes_the_emptiest_and_a_rise_takes_it_back() {
    let mut sim = Sim::new(7, 4, 200);
    sim.settle();
    sim.wanted.replicas = 2;
    sim.look(0.0, 0.0);
    assert_eq!(sim.recorded.len(), 2);
    let counts: Vec<_> = (0..sim.pods.len()).map(|at| (sim.connections(at), sim.pods[at].server.uid.clone())).collect();
    let chosen = |uid: &str| sim.recorded.iter().any(|record| record.uid == uid);
    let most_chosen = counts.iter().filter(|(_, uid)| chosen(uid)).map(|(n, _)| *n).max();
    let least_kept = counts.iter().filter(|(_, uid)| !chosen(uid)).map(|(n, _)| *n).min();
    assert!(most_chosen <= least_kept);
    sim.second(true);
    sim.look(0.0, 0.0);
    assert!(sim.pods.iter().filter(|pod| !pod.server.open).count() == 2);
    sim.wanted.replicas = 4;
    sim.settle();
    assert_eq!(sim.names, 4, "no new pod was made");
}

#[test]
fn nothing_is_added_while_redis_is_not_healthy() {
    let mut sim = Sim::new(1, 2, 10);
    sim.settle();
    sim.redis_healthy = false;
    sim.wanted.replicas = 5;
    for _ in 0..20 {
        let plan = sim.look(0.0, 0.0);
        assert!(plan.held_back);
        sim.second(true);
    }
    assert_eq!(sim.pods.len(), 2);
    sim.redis_healthy = true;
    sim.settle();
}
