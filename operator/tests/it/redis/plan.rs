//! The plan in random worlds: pods that come late, move, lose their data and are cut off; an operator that does not hear all of them.

use super::model::Sim;
use chat_operator::redis::{Command, Formation, Order, Roll, Step, World, formation, health, roll, size};
use chat_operator::trouble::Trouble;
use rand::Rng;

/// A world at rest is whole after so many looks.
const LOOKS_MAX: u32 = 200;

/// One look, in a world that may not do all that it is told.
fn look(sim: &mut Sim, deaf: f64, lossy: f64) -> (World, Formation) {
    sim.step();
    let world = sim.world(deaf);
    let plan = formation(&world);
    for order in &plan.orders {
        if !sim.random.random_bool(lossy) {
            sim.obey(order);
        }
    }
    (world, plan)
}

fn settle(sim: &mut Sim, seed: u64) -> (World, Formation) {
    for _ in 0..LOOKS_MAX {
        let (world, plan) = look(sim, 0.0, 0.0);
        if plan.step == Step::Formed {
            return (world, plan);
        }
    }
    let world = sim.world(0.0);
    panic!("seed {seed}: not formed, but {:?} ({:?})", formation(&world), health(&world, &formation(&world)).1);
}

/// What can go wrong, as long as some node of each shard keeps its data.
fn harm(sim: &mut Sim) {
    let at = sim.random.random_range(0..sim.peers.len());
    match sim.random.random_range(0..100) {
        0..4 => {
            let down = sim.random.random_range(1..12);
            sim.restart(at, down);
        }
        4..7 if may_lose(sim, at) => sim.wipe(at),
        7 => (0..sim.peers.len()).for_each(|at| {
            let down = sim.random.random_range(1..12);
            sim.restart(at, down);
        }),
        8..12 => sim.peers[at].cut = !sim.peers[at].cut,
        _ => {}
    }
}

/// It has nothing that another has not, too.
fn may_lose(sim: &Sim, at: usize) -> bool {
    let heirs = |id: &str| {
        let follows = |peer: &usize| sim.own(*peer).master.as_deref() == Some(id) && sim.peers[*peer].synced;
        (0..sim.peers.len()).filter(follows).count()
    };
    if sim.is_owner(at) {
        return sim.is_up(at) && heirs(&sim.peers[at].id) > 0;
    }
    match &sim.own(at).master {
        // Its master may be gone for good: then it is the last that has the data.
        Some(master) => sim.find(master).is_some_and(|master| sim.is_owner(master)),
        None => true,
    }
}

#[test]
fn every_world_ends_as_a_whole_cluster() {
    for seed in 0..100 {
        let mut sim = Sim::new(seed, 3 + (seed % 3) as usize, 1 + (seed % 2) as usize);
        for _ in 0..150 {
            harm(&mut sim);
            look(&mut sim, 0.1, 0.1);
        }
        sim.peers.iter_mut().for_each(|peer| peer.cut = false);
        let (world, plan) = settle(&mut sim, seed);
        let (status, finding) = health(&world, &plan);
        assert_eq!((finding.holds, status.uncovered_slots), (Some(true), 0), "seed {seed}");
        assert_eq!(usize::try_from(status.masters), Ok(sim.shape.shards), "seed {seed}");
        for _ in 0..40 {
            let (_, plan) = look(&mut sim, 0.0, 0.0);
            assert!(plan.orders.is_empty() || plan.step == Step::Forget, "seed {seed}: {plan:?} in a whole cluster");
        }
        for at in 0..sim.peers.len() {
            let master = sim.own(at).master.as_ref().and_then(|id| sim.find(id));
            assert!(
                master.is_none_or(|master| sim.peers[master].shard == sim.peers[at].shard),
                "seed {seed}: a replica is in another shard"
            );
        }
    }
}

#[test]
fn pods_are_renewed_one_by_one_and_no_master_before_its_replica_took_over() {
    for seed in 0..20 {
        let mut sim = Sim::new(seed, 3, 1);
        settle(&mut sim, seed);
        sim.peers.iter_mut().for_each(|peer| peer.outdated = true);
        let mut deleted = Vec::new();
        for _ in 0..1000 {
            let (world, plan) = look(&mut sim, 0.1, 0.1);
            match roll(&world, &plan) {
                Roll::Rest => {}
                Roll::FailOver(pod) => sim.obey(&Order { pod, command: Command::FailOver }),
                Roll::Delete(pod) => {
                    let at = world.nodes.iter().position(|node| node.pod == pod).expect("one of ours");
                    assert!(sim.peers[at].outdated && !sim.is_owner(at), "seed {seed}: {pod} has slots");
                    assert!((0..sim.peers.len()).all(|at| sim.is_up(at)), "seed {seed}: two at a time");
                    sim.restart(at, 3);
                    sim.peers[at].outdated = false;
                    deleted.push(pod);
                }
            }
        }
        assert_eq!(deleted.len(), sim.peers.len(), "seed {seed}");
        assert!(sim.peers.iter().all(|peer| !peer.outdated));
    }
}

#[test]
fn a_cluster_with_slots_is_never_joined_to_another() {
    let mut sim = Sim::new(1, 3, 1);
    settle(&mut sim, 1);
    let mut other = Sim::new(2, 3, 1);
    settle(&mut other, 2);
    let mut world = sim.world(0.0);
    // The volume of a pod has the data of another cluster.
    world.nodes[1].view = other.world(0.0).nodes[0].view.clone().map(|mut view| {
        view.id = format!("x{}", view.id);
        view.members.iter_mut().for_each(|member| member.id = format!("x{}", member.id));
        view
    });
    let plan = formation(&world);
    assert_eq!(plan.step, Step::Refuse(vec!["redis-0-1".to_owned()]));
    assert_eq!(plan.orders, []);
    let (status, finding) = health(&world, &plan);
    assert_eq!((status.phase.as_str(), finding.holds), ("ForeignNodes", Some(false)));
    assert!(finding.message.contains("redis-0-1"), "{}", finding.message);
}

#[test]
fn nothing_is_given_out_or_forgotten_while_a_pod_is_silent() {
    let mut sim = Sim::new(3, 3, 1);
    for _ in 0..30 {
        sim.step();
        let mut world = sim.world(0.0);
        world.nodes[5].view = None;
        let plan = formation(&world);
        assert!(matches!(plan.step, Step::Wait | Step::Meet | Step::Heal), "{plan:?}");
        plan.orders.iter().for_each(|order| sim.obey(order));
        let (_, finding) = health(&world, &plan);
        assert_eq!(finding.holds, Some(false));
    }
    let mut world = sim.world(0.0);
    world.nodes[5].view = None;
    let (_, finding) = health(&world, &formation(&world));
    assert_eq!(finding.reason, "PodsMissing");
    assert!(finding.message.contains("redis-2-1"), "{}", finding.message);
    let message = "redis-2-1 cannot be started".to_owned();
    world.nodes[5].trouble = Some(Trouble { reason: "NotStarted", message, limits: false });
    let (_, finding) = health(&world, &formation(&world));
    assert_eq!(finding.reason, "NotStarted");
    let told = "1 of 6 pods of Redis do not answer, and 16384 slots are not served: redis-2-1 cannot be started";
    assert_eq!(finding.message, told);
}

#[test]
fn slots_whose_nodes_are_all_gone_are_said_to_be_lost() {
    let mut sim = Sim::new(4, 3, 1);
    settle(&mut sim, 4);
    (0..2).for_each(|at| sim.wipe(at));
    let mut last = None;
    for _ in 0..60 {
        last = Some(look(&mut sim, 0.0, 0.0));
    }
    let (world, plan) = last.expect("a look");
    let (status, finding) = health(&world, &plan);
    assert_eq!((plan.step, finding.reason, status.uncovered_slots), (Step::Wait, "SlotsLost", 5461));
}

#[test]
fn a_surplus_pod_stays_until_it_is_no_master() {
    let mut sim = Sim::new(5, 3, 2);
    settle(&mut sim, 5);
    sim.obey(&Order { pod: "redis-0-2".to_owned(), command: Command::FailOver });
    let (mut world, plan) = settle(&mut sim, 5);
    world.wanted.replicas = 1;
    assert_eq!((size(&world, 0, Some(3)), size(&world, 1, Some(3)), size(&world, 1, None)), (3, 2, 2));
    let Roll::FailOver(heir) = roll(&world, &plan) else { panic!("no failover") };
    sim.obey(&Order { pod: heir, command: Command::FailOver });
    settle(&mut sim, 5);
    let mut world = sim.world(0.0);
    world.wanted.replicas = 1;
    assert_eq!(size(&world, 0, Some(3)), 2);
}

#[test]
fn a_replica_that_asks_where_its_master_was_is_told_to_follow_it_again() {
    let mut sim = Sim::new(7, 3, 1);
    let (mut world, _) = settle(&mut sim, 7);
    let at = world.nodes.iter().position(|node| node.view.as_ref().is_some_and(|view| view.follows().is_some()));
    let at = at.expect("a replica");
    let view = world.nodes[at].view.as_mut().expect("an answer");
    let master = view.follows().expect("a master").to_owned();
    view.in_step = false;
    view.master = Some(std::net::SocketAddr::from(([10, 0, 0, 9], 6379)));
    let told = formation(&world);
    let order = Order { pod: world.nodes[at].pod.clone(), command: Command::Replicate(master.clone()) };
    assert_eq!((told.step, told.orders), (Step::Heal, vec![order]));
    // At the right place it may take its time.
    let right = world.node_of(&master).and_then(|node| node.address);
    world.nodes[at].view.as_mut().expect("an answer").master = right;
    assert_eq!(formation(&world).step, Step::Wait);
}
