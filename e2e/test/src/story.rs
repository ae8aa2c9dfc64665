//! What is done to the cluster, chapter by chapter, while clients talk.

mod calm;
mod dashboard;
mod faults;
mod install;
mod leave;
mod rollout;
mod scale;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::crowd::{Crowd, Size, Told};
use crate::judge::{Judgement, Stretch};
use crate::kube::Wrong;

/// How the story is told.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Everything, at full size.
    pub full: bool,
    /// The clients that are there from the beginning to the end; as many come and go again.
    pub size: Size,
    /// Connections that servers may close a second while they are emptied.
    pub rate: u32,
    /// The image of a server of an earlier build, to roll out from and back to.
    pub earlier: Option<String>,
    /// Where the clients write.
    pub folder: PathBuf,
}

/// A figure, and what it is to be.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Where it was found.
    pub chapter: &'static str,
    /// What it is of.
    pub what: String,
    /// Itself.
    pub figure: String,
    /// What it is to be.
    pub goal: &'static str,
}

/// A part of the story.
#[derive(Debug, Clone, Copy)]
pub struct Chapter {
    /// Its name.
    pub name: &'static str,
    /// What is done, in a line.
    pub what: &'static str,
    /// Only where everything is told.
    pub full: bool,
    run: fn(&mut Story) -> Result<(), Wrong>,
}

/// All chapters, in their order: each goes on where the one before has ended.
pub const CHAPTERS: &[Chapter] = &[
    Chapter { name: "install", what: "helm install, helm test", full: false, run: install::install },
    Chapter {
        name: "apply",
        what: "the smallest example, with a managed Redis: until a client chats through the NodePort",
        full: false,
        run: install::apply,
    },
    Chapter { name: "scale-up", what: "twice as many clients: more servers", full: false, run: scale::up },
    Chapter { name: "calm", what: "nothing happens: nothing is written", full: false, run: calm::calm },
    Chapter {
        name: "rollout",
        what: "another configuration, all clients connected",
        full: false,
        run: rollout::rollout,
    },
    Chapter {
        name: "builds",
        what: "an earlier build of the server, and back to this one: both run side by side",
        full: true,
        run: rollout::builds,
    },
    Chapter { name: "server-kill", what: "SIGKILL of a server", full: false, run: faults::server_killed },
    Chapter {
        name: "server-delete",
        what: "a server's pod is deleted: it drains by itself",
        full: true,
        run: faults::server_deleted,
    },
    Chapter {
        name: "redis-kill",
        what: "a master of Redis is killed with its pod",
        full: false,
        run: faults::master_killed,
    },
    Chapter {
        name: "redis-all",
        what: "all pods of Redis are killed at once: all addresses change",
        full: false,
        run: faults::all_redis_killed,
    },
    Chapter {
        name: "dashboard",
        what: "a Prometheus watches: every query of the dashboard has an answer",
        full: false,
        run: dashboard::dashboard,
    },
    Chapter {
        name: "fewer-servers",
        what: "fewer servers for the same clients, all connected",
        full: true,
        run: scale::fewer_servers,
    },
    Chapter {
        name: "scale-down",
        what: "half of the clients go: servers are emptied; the operator is killed in the middle of it",
        full: false,
        run: scale::down,
    },
    Chapter {
        name: "verdict",
        what: "the clients come to rest, and what they wrote down is judged",
        full: false,
        run: leave::verdict,
    },
    Chapter {
        name: "broken",
        what: "ChatClusters that cannot be carried out say why",
        full: false,
        run: faults::broken,
    },
    Chapter {
        name: "delete",
        what: "the ChatCluster is deleted: nothing is left of it",
        full: false,
        run: leave::delete,
    },
    Chapter {
        name: "uninstall",
        what: "helm uninstall: no part of an API is left without a server",
        full: false,
        run: leave::uninstall,
    },
];

/// The story so far.
#[derive(Debug)]
pub struct Story {
    /// How it is told.
    pub manner: Manner,
    /// Figures.
    pub facts: Vec<Fact>,
    /// What the clients' histories came to, once they have ended.
    pub judgement: Option<Judgement>,
    chapter: &'static str,
    /// Those that stay, and those that come and go.
    crowd: Option<Crowd>,
    guests: Option<Crowd>,
    told: Vec<Told>,
    stretches: Vec<Stretch>,
}

impl Story {
    /// One that has not begun.
    pub fn new(manner: Manner) -> Self {
        Self {
            manner,
            facts: Vec::new(),
            judgement: None,
            chapter: "",
            crowd: None,
            guests: None,
            told: Vec::new(),
            stretches: Vec::new(),
        }
    }

    /// Tells a chapter. Returns how long it took.
    pub fn tell(&mut self, chapter: &Chapter) -> Result<Duration, Wrong> {
        let begun = Instant::now();
        self.chapter = chapter.name;
        (chapter.run)(self)?;
        Ok(begun.elapsed())
    }

    fn note(&mut self, what: impl Into<String>, figure: impl Into<String>, goal: &'static str) {
        self.facts.push(Fact { chapter: self.chapter, what: what.into(), figure: figure.into(), goal });
    }

    fn note_time(&mut self, what: impl Into<String>, took: Duration, goal: &'static str) {
        self.note(what, format!("{:.1} s", took.as_secs_f64()), goal);
    }

    /// Has so many clients more come in.
    fn invite(&self, name: &str) -> Result<Crowd, Wrong> {
        Crowd::start(&self.manner.size, &self.manner.folder.join(name))
    }

    /// How many clients are to be connected now.
    fn present(&self) -> u64 {
        [&self.crowd, &self.guests].into_iter().flatten().map(|crowd| crowd.clients as u64).sum()
    }

    /// A stretch in which clients are sent elsewhere, and only then.
    fn stretch(&mut self, what: &'static str, from: Instant) {
        self.stretches.push(Stretch { what, from, to: Instant::now(), rate: self.manner.rate });
    }
}
