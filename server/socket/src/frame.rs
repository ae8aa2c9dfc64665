//! Frames that are encoded once and shared by all who get them.

use bytes::Bytes;
use chat_wire::websocket::{self, Opcode};

/// One Engine.IO packet, encoded once: a WebSocket frame whose payload polling slices out.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    body_at: u8,
}

impl Frame {
    /// A text packet: `4` and a Socket.IO packet, or an Engine.IO control packet.
    pub fn text(body: &[u8]) -> Self {
        Self::new(Opcode::Text, &[body])
    }

    /// A text packet made of parts that are not next to each other.
    pub fn text_of(parts: &[&[u8]]) -> Self {
        Self::new(Opcode::Text, parts)
    }

    /// A binary message.
    pub fn binary(body: &[u8]) -> Self {
        Self::new(Opcode::Binary, &[body])
    }

    /// A control frame of WebSocket; nothing that polling knows.
    pub(crate) fn control(opcode: Opcode, payload: &[u8]) -> Self {
        Self::new(opcode, &[payload])
    }

    fn new(opcode: Opcode, parts: &[&[u8]]) -> Self {
        let length = parts.iter().map(|part| part.len()).sum();
        let (header, header_length) = websocket::header(length, opcode);
        let mut bytes = Vec::with_capacity(header_length + length);
        bytes.extend_from_slice(&header[..header_length]);
        for part in parts {
            bytes.extend_from_slice(part);
        }
        Self { bytes: bytes.into(), body_at: header_length as u8 }
    }

    /// The whole WebSocket frame.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The packet without the frame around it.
    pub fn body(&self) -> &[u8] {
        &self.bytes[usize::from(self.body_at)..]
    }
}

/// Several frames that go out together: one write on WebSocket, one payload on polling.
#[derive(Clone, Debug)]
pub struct Batch {
    frames: Vec<Frame>,
    joined: Bytes,
}

impl Batch {
    /// Joins the frames; a single one is not copied.
    pub fn new(frames: Vec<Frame>) -> Self {
        let joined = match frames.as_slice() {
            [] => Bytes::new(),
            [one] => one.bytes.clone(),
            many => {
                let mut joined = Vec::with_capacity(many.iter().map(|frame| frame.bytes.len()).sum());
                for frame in many {
                    joined.extend_from_slice(&frame.bytes);
                }
                joined.into()
            }
        };
        Self { frames, joined }
    }

    /// The frames, in order.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// All frames as one run of WebSocket bytes.
    pub(crate) fn joined(&self) -> &Bytes {
        &self.joined
    }

    /// The length on WebSocket, in bytes.
    pub fn len(&self) -> usize {
        self.joined.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}
