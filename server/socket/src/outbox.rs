//! What waits for a connection that did not take it at once: bounded in bytes, empty (and without memory) at rest.

use crate::frame::Frame;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use tokio::net::TcpStream;

/// How many pieces one `writev` takes at the most.
const PIECES: usize = 16;

/// A run of whole frames, or what is left of one.
struct Piece {
    bytes: Bytes,
    /// Where the packet starts behind the frame's header. Only polling needs it, and there pieces are whole frames.
    body_at: u8,
}

/// The queue of one connection.
#[derive(Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    bytes: u32,
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// All of it is with the kernel.
    All,
    /// The rest waits in the queue.
    Queued,
    /// The transport has failed.
    Lost,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// Whether `more` bytes keep it within `bound`. An empty queue takes anything, since every single frame is bounded.
    pub(crate) fn fits(&self, more: usize, bound: usize) -> bool {
        self.pieces.is_empty() || self.bytes as usize + more <= bound
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, frame: &Frame) {
        self.push_piece(frame.bytes().clone(), (frame.bytes().len() - frame.body().len()) as u8);
    }

    /// Queues whole frames in a row, for a WebSocket.
    pub(crate) fn push_frames(&mut self, frames: &Bytes) {
        if !frames.is_empty() {
            self.push_piece(frames.clone(), 0);
        }
    }

    /// All that waits, in a row. On polling these are whole frames.
    pub(crate) fn take_frames(&mut self, out: &mut Vec<u8>) {
        for piece in std::mem::take(self).pieces {
            out.extend_from_slice(&piece.bytes);
        }
    }

    fn push_piece(&mut self, bytes: Bytes, body_at: u8) {
        self.bytes += bytes.len() as u32;
        self.pieces.push_back(Piece { bytes, body_at });
    }

    /// Writes shared bytes at once where nothing waits before them, and queues what did not fit.
    pub(crate) fn write(&mut self, io: &TcpStream, bytes: &Bytes) -> Written {
        let mut taken = 0;
        if self.pieces.is_empty() {
            match io.try_write(bytes) {
                Ok(count) if count == bytes.len() => return Written::All,
                Ok(count) => taken = count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Written::Lost,
            }
        }
        self.push_piece(bytes.slice(taken..), 0);
        Written::Queued
    }

    /// Writes pieces of which only some are shared, in one `writev`; what did not fit is copied into the queue.
    pub(crate) fn write_parts(&mut self, io: &TcpStream, parts: &[IoSlice<'_>]) -> Written {
        let mut taken = 0;
        let total = parts.iter().map(|part| part.len()).sum::<usize>();
        if self.pieces.is_empty() {
            match io.try_write_vectored(parts) {
                Ok(count) if count == total => return Written::All,
                Ok(count) => taken = count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Written::Lost,
            }
        }
        let mut rest = Vec::with_capacity(total - taken);
        for part in parts {
            let skipped = taken.min(part.len());
            rest.extend_from_slice(&part[skipped..]);
            taken -= skipped;
        }
        self.push_piece(rest.into(), 0);
        Written::Queued
    }

    /// Writes as much of the queue as the socket takes. `Ok(true)`: it is empty.
    pub(crate) fn flush(&mut self, io: &TcpStream) -> io::Result<bool> {
        while !self.pieces.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                *slice = IoSlice::new(&piece.bytes);
                count += 1;
            }
            match io.try_write_vectored(&slices[..count]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.consume(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        // Gives the queue's memory back: most connections never queue again.
        self.pieces = VecDeque::new();
        Ok(true)
    }

    fn consume(&mut self, mut written: usize) {
        self.bytes -= written as u32;
        while written > 0 {
            let Some(first) = self.pieces.front_mut() else { return };
            if written < first.bytes.len() {
                first.bytes.advance(written);
                return;
            }
            written -= first.bytes.len();
            self.pieces.pop_front();
        }
    }

    /// Takes the next packet for a polling payload if it is no longer than `room`, as the payload writes it.
    pub(crate) fn next_packet(&mut self) -> Option<Packet> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.bytes.len() as u32;
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
        }
        Some(Packet {
            binary: piece.bytes[0] & 0x0f == chat_wire::websocket::Opcode::Binary as u8,
            body: piece.bytes.slice(usize::from(piece.body_at)..),
        })
    }

    /// The length of the next packet, as polling writes it.
    pub(crate) fn next_length(&self) -> Option<usize> {
        let piece = self.pieces.front()?;
        let length = piece.bytes.len() - usize::from(piece.body_at);
        let binary = piece.bytes[0] & 0x0f == chat_wire::websocket::Opcode::Binary as u8;
        Some(if binary { 1 + length.div_ceil(3) * 4 } else { length })
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A packet as polling sends it.
pub(crate) struct Packet {
    pub(crate) binary: bool,
    pub(crate) body: Bytes,
}
