//! Sharded subscriptions: which channels are wanted, by whom, and at which master each one is.
//!
//! A channel is at *home* with the connection to the owner of its slot ([`home`]). Whenever the owner changes, or its config epoch does, or the connection
//! ends, the channel is placed anew, and its subscribers are told that they may have missed something once it is in place. What comes from a connection
//! that is no longer the channel's home is a ghost, and dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval};

use crate::counters::Counters;
use crate::shared::Shared;
use crate::subscriber::{Subscriber, Subscription};
use crate::topology::Topology;
use home::{Home, Step};

mod home;

/// How soon what could not be placed is tried again.
const AGAIN: Duration = Duration::from_millis(100);
/// Ends of homes that wait to be heard; more wait at the homes.
const ENDS_MAX: usize = 64;

type Sinks = Arc<[(u64, Arc<dyn Subscriber>)]>;

pub(crate) struct Subscriptions {
    channels: Mutex<Channels>,
    /// Somebody wants a channel that has no place yet.
    wanted: Notify,
    counters: Counters,
}

#[derive(Default)]
struct Channels {
    all: HashMap<Bytes, Channel>,
    /// To be placed.
    homeless: Vec<Bytes>,
    homes: HashMap<u64, mpsc::UnboundedSender<Step>>,
    last_id: u64,
}

struct Channel {
    slot: u16,
    sinks: Sinks,
    place: Option<Place>,
}

#[derive(Clone)]
struct Place {
    home: u64,
    address: Arc<str>,
    config_epoch: u64,
    /// The server has said so.
    confirmed: bool,
}

impl Subscriptions {
    pub(crate) fn new(counters: Counters) -> Self {
        Self { channels: Mutex::default(), wanted: Notify::new(), counters }
    }

    pub(crate) fn subscribe(self: &Arc<Self>, channel: Bytes, slot: u16, sink: Arc<dyn Subscriber>) -> Subscription {
        let mut channels = self.channels.lock();
        channels.last_id += 1;
        let id = channels.last_id;
        let Channels { all, homeless, homes, .. } = &mut *channels;
        let entry = all.entry(channel.clone()).or_insert_with(|| {
            homeless.push(channel.clone());
            self.wanted.notify_one();
            Channel { slot, sinks: Arc::new([]), place: None }
        });
        entry.sinks = entry.sinks.iter().cloned().chain([(id, sink)]).collect();
        // A channel that is in place already greets the newcomer from where its messages come; one that is not will greet everybody.
        if let Some(place) = entry.place.as_ref().filter(|place| place.confirmed)
            && let Some(home) = homes.get(&place.home)
        {
            let _ = home.send(Step::Greet(channel.clone(), id));
        }
        self.counters.channels(all.len());
        drop(channels);
        let this = self.clone();
        Subscription { end: Some(Box::new(move || this.leave(&channel, id))) }
    }

    fn leave(&self, channel: &Bytes, id: u64) {
        let mut channels = self.channels.lock();
        let Channels { all, homes, .. } = &mut *channels;
        let Some(entry) = all.get_mut(channel) else { return };
        entry.sinks = entry.sinks.iter().filter(|(other, _)| *other != id).cloned().collect();
        if !entry.sinks.is_empty() {
            return;
        }
        if let Some(place) = entry.place.as_ref()
            && let Some(home) = homes.get(&place.home)
        {
            let _ = home.send(Step::Leave(channel.clone()));
        }
        all.remove(channel);
        self.counters.channels(all.len());
    }

    /// Those who hear a channel, if this is its home.
    fn sinks(&self, channel: &[u8], home: u64) -> Option<Sinks> {
        let channels = self.channels.lock();
        let entry = channels.all.get(channel)?;
        (entry.place.as_ref()?.home == home).then(|| entry.sinks.clone())
    }

    /// The server has put a channel in place.
    fn confirm(&self, channel: &Bytes, home: u64) {
        self.counters.subscribed(true);
        let sinks = {
            let mut channels = self.channels.lock();
            let Some(entry) = channels.all.get_mut(channel) else { return };
            match entry.place.as_mut() {
                Some(place) if place.home == home => place.confirmed = true,
                Some(_) | None => return,
            }
            entry.sinks.clone()
        };
        self.disturb(&sinks);
    }

    /// The server would not have a channel.
    fn refuse(&self, channel: Bytes, home: u64) {
        self.counters.subscribed(false);
        let mut channels = self.channels.lock();
        let Some(entry) = channels.all.get_mut(&channel) else { return };
        if entry.place.as_ref().is_some_and(|place| place.home == home) {
            entry.place = None;
            channels.homeless.push(channel);
        }
    }

    fn message(&self, channel: &[u8], home: u64, payload: &Bytes) {
        self.counters.message();
        if let Some(sinks) = self.sinks(channel, home) {
            for (_, sink) in sinks.iter() {
                sink.message(payload.clone());
            }
        }
    }

    fn greet(&self, channel: &Bytes, home: u64, id: u64) {
        let Some(sinks) = self.sinks(channel, home) else { return };
        let newcomer: Sinks = sinks.iter().filter(|(other, _)| *other == id).cloned().collect();
        self.disturb(&newcomer);
    }

    /// Messages of this home were lost.
    fn disturb_all(&self, home: u64) {
        let disturbed: Vec<Sinks> = {
            let channels = self.channels.lock();
            let at_home = |channel: &&Channel| channel.place.as_ref().is_some_and(|place| place.home == home);
            channels.all.values().filter(at_home).map(|channel| channel.sinks.clone()).collect()
        };
        for sinks in disturbed {
            self.disturb(&sinks);
        }
    }

    fn disturb(&self, sinks: &Sinks) {
        for (_, sink) in sinks.iter() {
            self.counters.disturbance();
            sink.disturbed();
        }
    }

    /// Keeps every channel at home, until the task is ended.
    pub(crate) async fn run(self: Arc<Self>, shared: Arc<Shared>) {
        let mut topology = shared.topology.subscribe();
        let (ends, mut ended) = mpsc::channel(ENDS_MAX);
        let mut homes = Homes { shared, subscriptions: self.clone(), ends, by_address: HashMap::new(), last_id: 0 };
        let mut again = interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.wanted.notified() => {}
                _ = again.tick() => {}
                changed = topology.changed() => if changed.is_err() { return } else { self.unsettle(&topology.borrow_and_update()) },
                Some(id) = ended.recv() => {
                    homes.gone(id);
                    self.lose(id);
                }
            }
            homes.place(&self);
        }
    }

    /// Channels whose owner is another now, or the same anew, lose their place.
    fn unsettle(&self, topology: &Topology) {
        let mut channels = self.channels.lock();
        let Channels { all, homeless, homes, .. } = &mut *channels;
        for (name, channel) in all {
            let Some(place) = &channel.place else { continue };
            let Some(owner) = topology.owner(channel.slot) else { continue };
            if owner.address == place.address && owner.config_epoch == place.config_epoch {
                continue;
            }
            if owner.address != place.address
                && let Some(home) = homes.get(&place.home)
            {
                let _ = home.send(Step::Leave(name.clone()));
            }
            channel.place = None;
            homeless.push(name.clone());
        }
    }

    /// Channels of a connection that is no more lose their place.
    fn lose(&self, home: u64) {
        let mut channels = self.channels.lock();
        let Channels { all, homeless, homes, .. } = &mut *channels;
        homes.remove(&home);
        for (name, channel) in all {
            if channel.place.as_ref().is_some_and(|place| place.home == home) {
                channel.place = None;
                homeless.push(name.clone());
            }
        }
    }
}

/// The connections that there are, one a master.
struct Homes {
    shared: Arc<Shared>,
    subscriptions: Arc<Subscriptions>,
    ends: mpsc::Sender<u64>,
    by_address: HashMap<Arc<str>, u64>,
    last_id: u64,
}

impl Homes {
    fn place(&mut self, subscriptions: &Subscriptions) {
        let topology = self.shared.topology.borrow().clone();
        let mut channels = subscriptions.channels.lock();
        let homeless = std::mem::take(&mut channels.homeless);
        for name in homeless {
            let Some(channel) = channels.all.get(&name).filter(|channel| channel.place.is_none()) else { continue };
            let Some(owner) = topology.owner(channel.slot) else {
                channels.homeless.push(name);
                continue;
            };
            let home = match self.by_address.get(&owner.address) {
                Some(&home) => home,
                None => self.open(&owner.address, &mut channels),
            };
            let place =
                Place { home, address: owner.address.clone(), config_epoch: owner.config_epoch, confirmed: false };
            if let Some(steps) = channels.homes.get(&home) {
                let _ = steps.send(Step::Join(name.clone()));
            }
            if let Some(channel) = channels.all.get_mut(&name) {
                channel.place = Some(place);
            }
        }
    }

    fn open(&mut self, address: &Arc<str>, channels: &mut Channels) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        // At most a few steps a channel: bounded as the channels are.
        let (steps, inbox) = mpsc::unbounded_channel();
        let home = Home::new(id, address.clone(), self.shared.clone(), self.subscriptions.clone());
        tokio::spawn(home.run(inbox, self.ends.clone()));
        channels.homes.insert(id, steps);
        self.by_address.insert(address.clone(), id);
        id
    }

    fn gone(&mut self, id: u64) {
        self.by_address.retain(|_, home| *home != id);
    }
}

impl Drop for Homes {
    fn drop(&mut self) {
        self.subscriptions.channels.lock().homes.clear();
    }
}
