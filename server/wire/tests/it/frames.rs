//! What the tests share: a client's frames, and a connection that feeds a reader piece by piece.

use chat_wire::websocket::{Close, Message, Opcode, Reader, Step, Violation, encode_masked};

pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client's frame.
pub(crate) fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_masked(fin, opcode, payload, KEY, &mut out);
    out
}

/// A message that outlives its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl From<Message<'_>> for Seen {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Message::Close(close) => Self::Close(close.map(|Close { code, reason }| (code, reason.to_owned()))),
        }
    }
}

/// A connection: keeps what is not read yet, as a server does.
pub(crate) struct Connection {
    reader: Reader,
    buffer: Vec<u8>,
    max: usize,
    pub(crate) seen: Vec<Seen>,
    pub(crate) violation: Option<Violation>,
    /// Bytes that the reader asked for; checked against what it then does.
    wanted: usize,
}

impl Connection {
    pub(crate) fn new(max: usize) -> Self {
        Self::with(Reader::new(), max)
    }

    pub(crate) fn with(reader: Reader, max: usize) -> Self {
        Self { reader, buffer: Vec::new(), max, seen: Vec::new(), violation: None, wanted: 0 }
    }

    pub(crate) fn feed(&mut self, piece: &[u8]) {
        if self.violation.is_some() {
            return;
        }
        self.buffer.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let input = &mut self.buffer[at..];
            let len = input.len();
            let used = match self.reader.next(input, self.max) {
                Ok(Step::Incomplete { wanted }) => {
                    assert!(wanted > len, "{wanted} bytes wanted, {len} are there");
                    self.wanted = wanted;
                    break;
                }
                Ok(Step::Absorbed { used }) => used,
                Ok(Step::Message { message, used }) => {
                    self.seen.push(message.into());
                    used
                }
                Err(violation) => {
                    self.violation = Some(violation);
                    break;
                }
            };
            assert!(len >= self.wanted, "got on with {len} bytes, though {} were wanted", self.wanted);
            assert!((2..=len).contains(&used));
            self.wanted = 0;
            at += used;
        }
        self.buffer.drain(..at);
    }
}

/// What a server sees of `input`, cut at the given places.
pub(crate) fn read(input: &[u8], cuts: &[usize], max: usize) -> (Vec<Seen>, Option<Violation>) {
    let mut connection = Connection::new(max);
    let mut start = 0;
    for cut in cuts.iter().copied().chain([input.len()]) {
        let cut = cut.clamp(start, input.len());
        connection.feed(&input[start..cut]);
        start = cut;
    }
    (connection.seen, connection.violation)
}

/// The violation that `input` is, seen at once and byte by byte alike.
pub(crate) fn violation(input: &[u8], max: usize) -> Option<Violation> {
    let (_, whole) = read(input, &[], max);
    let (_, bytewise) = read(input, &(0..input.len()).collect::<Vec<_>>(), max);
    assert_eq!(whole, bytewise, "{input:02x?}");
    whole
}
