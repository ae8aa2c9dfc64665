//! A WebSocket of a client, byte by byte: it sends whatever it is told to, and reads only when it is asked to.

use chat_wire::websocket::{Message, Opcode, Reader, Step, encode_masked};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The longest message that a server of ours sends, with room to spare.
const MESSAGE_MAX: usize = 4 << 20;

/// The mask of all frames. Any will do: it is there against confused proxies, and here are none.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What came from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A pong of the WebSocket.
    Pong(Vec<u8>),
    /// A close frame with its code.
    Close(Option<u16>),
    /// The end of the stream, or a reset.
    End,
}

/// A WebSocket after its handshake.
pub(crate) struct Wire {
    stream: TcpStream,
    reader: Reader,
    input: Vec<u8>,
    used: usize,
}

impl Wire {
    /// Opens `/socket.io/` as a new session.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::connect(TcpSocket::new_v4().expect("a socket"), address).await
    }

    /// The same, with a receive buffer so small that the server soon notices when nothing is read.
    pub(crate) async fn open_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(8 * 1024).expect("a small buffer");
        Self::connect(socket, address).await
    }

    async fn connect(socket: TcpSocket, address: SocketAddr) -> Self {
        Self::try_connect(socket, address).await.expect("a WebSocket")
    }

    /// A WebSocket for a session that is on polling.
    pub(crate) async fn of_session(address: SocketAddr, sid: &str) -> Self {
        Self::try_of_session(address, sid).await.expect("a WebSocket")
    }

    /// The same, if the server takes it.
    pub(crate) async fn try_of_session(address: SocketAddr, sid: &str) -> Option<Self> {
        let socket = TcpSocket::new_v4().expect("a socket");
        Self::shake_hands(socket, address, &format!("&sid={sid}")).await
    }

    async fn try_connect(socket: TcpSocket, address: SocketAddr) -> Option<Self> {
        let mut wire = Self::shake_hands(socket, address, "").await?;
        let open = wire.next().await;
        assert!(matches!(&open, Got::Text(text) if text.starts_with("0{")), "instead of the handshake: {open:?}");
        Some(wire)
    }

    async fn shake_hands(socket: TcpSocket, address: SocketAddr, session: &str) -> Option<Self> {
        let mut stream = socket.connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket{session} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut input = Vec::new();
        let used = loop {
            if let Some(at) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut input).await.ok()? == 0 {
                return None;
            }
        };
        let wire = Self { stream, reader: Reader::of_server(), input, used };
        wire.input.starts_with(b"HTTP/1.1 101").then_some(wire)
    }

    /// Sends a text message.
    pub(crate) async fn send(&mut self, text: &str) {
        self.frame(true, Opcode::Text, text.as_bytes()).await;
    }

    /// Sends a frame. That the server has gone shows when one reads.
    pub(crate) async fn frame(&mut self, fin: bool, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::new();
        encode_masked(fin, opcode, payload, KEY, &mut bytes);
        self.raw(&bytes).await;
    }

    /// Sends bytes as they are.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next message. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Got {
        loop {
            match self.reader.next(&mut self.input[self.used..], MESSAGE_MAX) {
                Ok(Step::Message { message, used }) => {
                    let got = match message {
                        Message::Text(text) => Got::Text(text.to_owned()),
                        Message::Binary(bytes) => Got::Binary(bytes.to_owned()),
                        Message::Pong(bytes) => Got::Pong(bytes.to_owned()),
                        Message::Close(close) => Got::Close(close.map(|close| close.code)),
                        Message::Ping(_) => panic!("our server sends no WebSocket pings"),
                    };
                    self.used += used;
                    return got;
                }
                Ok(Step::Absorbed { .. }) => panic!("our server sends each message in one frame"),
                Ok(Step::Incomplete { .. }) => {}
                Err(violation) => panic!("a bad frame from the server: {violation:?}"),
            }
            self.input.drain(..self.used);
            self.used = 0;
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return Got::End,
                Ok(_) => {}
            }
        }
    }

    /// Reads to the end; the code of the close frame, if one came.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        loop {
            match self.next().await {
                Got::Close(closed) => {
                    code = closed;
                    self.frame(true, Opcode::Close, &closed.unwrap_or(1000).to_be_bytes()).await;
                }
                Got::End => return code,
                Got::Text(_) | Got::Binary(_) | Got::Pong(_) => {}
            }
        }
    }

    /// Cuts the connection by a reset, as a network does.
    pub(crate) fn cut(self) {
        let _ = self.stream.set_zero_linger();
    }
}
