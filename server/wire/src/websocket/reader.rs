//! Bytes from the peer to messages.

use super::close::Close;
use super::frame::{Lead, Opcode, length};
use super::mask::mask;
use super::violation::Violation;
use crate::limits::FRAGMENTS_MAX;

/// Takes messages off the front of a connection's input.
///
/// Two words when idle. Messages in one frame, which is nearly all, are unmasked and borrowed where they lie in the
/// caller's buffer; only the fragments of a message are kept here, at most as many bytes as the maximum at hand.
///
/// ```
/// use chat_wire::websocket::{Message, Reader, Step};
///
/// let mut reader = Reader::new();
/// let mut input = *b"\x81\x82\0\0\0\0hi\x81";
/// let Ok(Step::Message { message, used }) = reader.next(&mut input, 100) else { panic!() };
/// assert_eq!((message, used), (Message::Text("hi"), 8));
/// assert_eq!(reader.next(&mut input[used..], 100), Ok(Step::Incomplete { wanted: 2 }));
/// ```
#[derive(Debug)]
pub struct Reader {
    fragments: Option<Box<Fragments>>,
    peer: Peer,
}

/// What [`Reader::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The frame is not whole. Nothing was touched; call again once the input has `wanted` bytes from its front.
    Incomplete {
        /// Bytes that the input must have at least, counted from its front, for the next call to get further.
        wanted: usize,
    },
    /// A fragment was kept; go on after `used` bytes.
    Absorbed {
        /// Bytes to drop from the front of the input.
        used: usize,
    },
    /// A whole message.
    Message {
        /// The message, borrowed from the input or, if it came in fragments, from the reader.
        message: Message<'a>,
        /// Bytes to drop from the front of the input.
        used: usize,
    },
}

/// A message of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text, checked to be UTF-8.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// To be answered by a pong with the same bytes.
    Ping(&'a [u8]),
    /// A pong; needs no answer.
    Pong(&'a [u8]),
    /// The peer closes; answer with a close frame, then end.
    Close(Option<Close<'a>>),
}

/// Whose frames are read: clients must mask theirs, servers must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Client,
    Server,
}

/// The open message's pieces so far.
#[derive(Debug)]
struct Fragments {
    text: bool,
    /// The message was handed out; these bytes go at the next call.
    finished: bool,
    count: u32,
    bytes: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A server's reader: every frame must be masked.
    pub const fn new() -> Self {
        Self { fragments: None, peer: Peer::Client }
    }

    /// A client's reader: no frame may be masked.
    pub const fn of_server() -> Self {
        Self { fragments: None, peer: Peer::Server }
    }

    /// Takes the next frame from the front of `input` and unmasks it in place.
    ///
    /// Call it in a loop, dropping `used` bytes each time, until it says [`Step::Incomplete`] (an empty input will do):
    /// a fragmented message stays in memory until the call after it. `message_max` bounds the bytes of a message over
    /// all its fragments; a frame that announces more is refused on its header.
    pub fn next<'a>(&'a mut self, input: &'a mut [u8], message_max: usize) -> Result<Step<'a>, Violation> {
        if self.fragments.as_ref().is_some_and(|fragments| fragments.finished) {
            self.fragments = None;
        }
        let (lead, start, end) = match self.head(input, message_max)? {
            Ok(head) => head,
            Err(wanted) => return Ok(Step::Incomplete { wanted }),
        };
        if self.peer == Peer::Client
            && let Some((head, payload)) = input[..end].split_at_mut_checked(start)
            && let Some(key) = head.last_chunk::<4>()
        {
            mask(*key, payload);
        }
        let payload = &input[start..end];
        let message = match lead.opcode {
            Opcode::Ping => Message::Ping(payload),
            Opcode::Pong => Message::Pong(payload),
            Opcode::Close => Message::Close(Close::decode(payload)?),
            Opcode::Text if lead.fin => Message::of(true, payload)?,
            Opcode::Binary if lead.fin => Message::of(false, payload)?,
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                let fragments = self.fragments.get_or_insert_with(|| Box::new(Fragments::new(lead.opcode)));
                fragments.push(payload, message_max);
                if !lead.fin {
                    return Ok(Step::Absorbed { used: end });
                }
                fragments.finished = true;
                Message::of(fragments.text, &fragments.bytes)?
            }
        };
        Ok(Step::Message { message, used: end })
    }

    /// Checks the head in the order of its bytes, so that the verdict does not depend on how many have come. Returns
    /// the first byte's meaning and the payload's start and end, all of which are in `input`; else the bytes wanted.
    fn head(&self, input: &[u8], message_max: usize) -> Result<Result<(Lead, usize, usize), usize>, Violation> {
        let [first, rest @ ..] = input else {
            return Ok(Err(2));
        };
        let lead = Lead::decode(*first)?;
        let kept = match (lead.opcode, &self.fragments) {
            (Opcode::Continuation, None) => return Err(Violation::UnexpectedContinuation),
            (Opcode::Continuation, Some(fragments)) if fragments.count >= FRAGMENTS_MAX => {
                return Err(Violation::TooManyFragments);
            }
            (Opcode::Continuation, Some(fragments)) => fragments.bytes.len(),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::InterruptedMessage),
            (Opcode::Text | Opcode::Binary | Opcode::Close | Opcode::Ping | Opcode::Pong, _) => 0,
        };
        let [second, ..] = rest else {
            return Ok(Err(2));
        };
        let masked = second & 0x80 != 0;
        if masked != (self.peer == Peer::Client) {
            return Err(Violation::Masking);
        }
        let (len, start) = match length(input, lead.opcode)? {
            Ok(length) => length,
            Err(wanted) => return Ok(Err(wanted)),
        };
        let len = usize::try_from(len).map_err(|_| Violation::TooLarge)?;
        if !lead.opcode.is_control() && len > message_max.saturating_sub(kept) {
            return Err(Violation::TooLarge);
        }
        let start = if masked { start + 4 } else { start };
        let end = start.checked_add(len).ok_or(Violation::TooLarge)?;
        Ok(if input.len() < end { Err(end) } else { Ok((lead, start, end)) })
    }
}

impl<'a> Message<'a> {
    fn of(text: bool, bytes: &'a [u8]) -> Result<Self, Violation> {
        if text {
            simdutf8::basic::from_utf8(bytes).map(Self::Text).map_err(|_| Violation::Utf8)
        } else {
            Ok(Self::Binary(bytes))
        }
    }
}

impl Fragments {
    fn new(opcode: Opcode) -> Self {
        Self { text: opcode == Opcode::Text, finished: false, count: 0, bytes: Vec::new() }
    }

    /// Grows by doubling, but never past the message's maximum, which `head` has checked the sum against.
    fn push(&mut self, payload: &[u8], message_max: usize) {
        let len = self.bytes.len() + payload.len();
        if len > self.bytes.capacity() {
            let capacity = len.max(self.bytes.capacity().saturating_mul(2).min(message_max));
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(payload);
        self.count += 1;
    }
}
