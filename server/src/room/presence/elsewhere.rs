//! Who is in a room on the other servers, as each of them said last.
//!
//! What they publish may get lost, come late, or come from a server that is gone by now. So only boots that the registry knows count, a word is
//! replaced only by a later one, and what the store of presence holds is read now and then and corrects both.

use super::said::{Crowd, Said};
use chat_socket::Boot;
use std::sync::Arc;

/// The users of a room on other servers.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// By boot; a handful.
    servers: Vec<Server>,
    /// Words heard so far: tells those that came while the store was read.
    heard: u64,
}

struct Server {
    boot: Boot,
    version: u64,
    /// When it was heard.
    heard: u64,
    crowd: Arc<Crowd>,
}

/// What the store of presence holds of a boot about a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// What the asker knows already.
    Same,
    /// Nothing.
    Nothing,
    /// This.
    Said(Said),
}

/// A question about a room to the store of presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The room.
    pub room: Arc<str>,
    /// For each boot that is asked for, in order: the version that is known; 0 if none.
    pub known: Vec<u64>,
    /// What had been heard when it was asked.
    heard: u64,
}

impl Elsewhere {
    /// How many users they counted.
    pub(super) fn online(&self) -> usize {
        self.servers.iter().map(|server| server.crowd.online).sum()
    }

    /// Who is where.
    pub(super) fn crowds(&self) -> impl Iterator<Item = &Crowd> {
        self.servers.iter().map(|server| &*server.crowd)
    }

    /// A server has said something. `true` if that changes who is here.
    pub(super) fn hear(&mut self, boot: Boot, said: Said) -> bool {
        self.heard += 1;
        let (heard, Said { version, crowd }) = (self.heard, said);
        let Some(server) = self.servers.iter_mut().find(|server| server.boot == boot) else {
            let news = crowd.online > 0;
            // A server without anybody is remembered too, so that an older word of it that comes late does not count.
            self.servers.push(Server { boot, version, heard, crowd: Arc::new(crowd) });
            return news;
        };
        if version <= server.version {
            return false;
        }
        let news = *server.crowd != crowd;
        *server = Server { boot, version, heard, crowd: Arc::new(crowd) };
        news
    }

    /// Only these servers are there. `true` if that changes who is here.
    pub(super) fn keep(&mut self, is_there: impl Fn(Boot) -> bool) -> bool {
        self.retain(|server| is_there(server.boot))
    }

    /// What to ask the store of these boots.
    pub(super) fn ask(&self, room: &Arc<str>, boots: &[Boot]) -> Asked {
        let version = |boot: &Boot| self.servers.iter().find(|server| server.boot == *boot).map_or(0, |it| it.version);
        Asked { room: room.clone(), known: boots.iter().map(version).collect(), heard: self.heard }
    }

    /// What the store answered about these boots. `true` if that changes who is here.
    pub(super) fn correct(&mut self, asked: &Asked, boots: &[Boot], kept: Vec<Kept>) -> bool {
        let mut news = self.retain(|server| boots.contains(&server.boot) || server.heard > asked.heard);
        for (boot, kept) in boots.iter().zip(kept) {
            news |= match kept {
                Kept::Same => false,
                Kept::Nothing => self.retain(|server| server.boot != *boot || server.heard > asked.heard),
                Kept::Said(said) => self.hear(*boot, said),
            };
        }
        news
    }

    /// Nobody follows the room here any more: what is known of others is not kept up.
    pub(super) fn clear(&mut self) {
        self.servers = Vec::new();
    }

    fn retain(&mut self, keep: impl Fn(&Server) -> bool) -> bool {
        let before = self.online();
        self.servers.retain(keep);
        self.online() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(version: u64, online: usize) -> Said {
        Said { version, crowd: Crowd { online, names: None } }
    }

    fn boot(n: u64) -> Boot {
        Boot(n)
    }

    #[test]
    fn an_older_word_does_not_count() {
        let mut elsewhere = Elsewhere::default();
        assert!(elsewhere.hear(boot(1), said(2, 5)));
        assert!(!elsewhere.hear(boot(1), said(1, 9)));
        assert!(elsewhere.hear(boot(1), said(3, 0)));
        assert!(!elsewhere.hear(boot(1), said(2, 5)), "it is remembered that nobody is there");
        assert_eq!(elsewhere.online(), 0);
    }

    #[test]
    fn what_was_heard_while_the_store_was_read_stays() {
        let mut elsewhere = Elsewhere::default();
        let boots = [boot(1), boot(2)];
        elsewhere.hear(boot(1), said(1, 5));
        let asked = elsewhere.ask(&"room".into(), &boots);
        assert_eq!(asked.known, [1, 0]);
        elsewhere.hear(boot(2), said(1, 3));
        elsewhere.hear(boot(3), said(1, 1));
        assert!(elsewhere.correct(&asked, &boots, vec![Kept::Nothing, Kept::Nothing]));
        assert_eq!(elsewhere.online(), 4, "the first was not heard since");
        let asked = elsewhere.ask(&"room".into(), &boots);
        assert!(elsewhere.correct(&asked, &boots, vec![Kept::Said(said(9, 2)), Kept::Same]));
        assert_eq!(elsewhere.online(), 5, "and the third is no server");
    }
}
