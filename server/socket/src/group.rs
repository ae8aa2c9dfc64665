//! Who gets a fan-out: members in chunks, each chunk a lock and a head of its own.
//!
//! A chunk is the unit of order. Whoever holds its lock sees all its members at the same place, the chunk's head, so
//! that a member can be added exactly there with nothing missed and nothing doubled, and large groups are worked on by
//! several threads at once.

use crate::{Application, Socket};
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::sync::Arc;

/// How many members share a chunk: enough for one wake of a worker, few enough that nobody waits long for the lock.
const CHUNK_MEMBERS: usize = 256;

/// A connection in a group, with what the application needs to know of its membership.
pub struct Member<A: Application> {
    /// The connection.
    pub socket: Arc<Socket<A>>,
    /// The application's number for this membership.
    pub tag: u32,
}

/// Some of a group's members, all at the same head.
pub struct Chunk<A: Application, H> {
    /// Up to where all members of the chunk have been served.
    pub head: H,
    /// The members. Their order means nothing.
    pub members: Vec<Member<A>>,
}

impl<A: Application, H> Chunk<A, H> {
    /// Takes a connection out; `false` if it is not here.
    pub fn remove(&mut self, socket: &Arc<Socket<A>>) -> bool {
        let Some(at) = self.members.iter().position(|member| Arc::ptr_eq(&member.socket, socket)) else {
            return false;
        };
        self.members.swap_remove(at);
        if self.members.is_empty() {
            self.members = Vec::new();
        }
        true
    }

    fn has_room(&self) -> bool {
        self.members.len() < CHUNK_MEMBERS
    }
}

/// A chunk, as all who serve it hold it.
pub type SharedChunk<A, H> = Arc<Mutex<Chunk<A, H>>>;

/// A group of connections. `H` is how far a chunk has been served.
pub struct Group<A: Application, H> {
    chunks: RwLock<Vec<SharedChunk<A, H>>>,
}

impl<A: Application, H: Copy> Default for Group<A, H> {
    fn default() -> Self {
        Self { chunks: RwLock::new(Vec::new()) }
    }
}

impl<A: Application, H: Copy> Group<A, H> {
    /// The chunks, to be served one after the other or at the same time.
    pub fn chunks(&self) -> Vec<SharedChunk<A, H>> {
        self.chunks.read().clone()
    }

    /// A chunk by its place.
    pub fn chunk(&self, place: u32) -> Option<SharedChunk<A, H>> {
        self.chunks.read().get(place as usize).cloned()
    }

    /// Finds a chunk with room for one more, or makes one whose head is `head`. `enter` gets its place and the locked
    /// chunk and decides, by its head, whether to add the member.
    pub fn place<R>(&self, head: H, enter: impl FnOnce(u32, MutexGuard<'_, Chunk<A, H>>) -> R) -> R {
        // The newest chunk is the likeliest to have room, and holes in older ones are found when it is full.
        let found = {
            let chunks = self.chunks.read();
            let open = |at: &usize| chunks[*at].lock().has_room();
            (0..chunks.len()).rev().find(open).map(|at| (at as u32, chunks[at].clone()))
        };
        let (place, chunk) = found.unwrap_or_else(|| {
            let mut chunks = self.chunks.write();
            let chunk = Arc::new(Mutex::new(Chunk { head, members: Vec::new() }));
            chunks.push(chunk.clone());
            (chunks.len() as u32 - 1, chunk)
        });
        enter(place, chunk.lock())
    }

    /// How many members it has now.
    pub fn len(&self) -> usize {
        self.chunks.read().iter().map(|chunk| chunk.lock().members.len()).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
