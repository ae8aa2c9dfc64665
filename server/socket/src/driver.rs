//! The task of a connection: reads and hands over what comes, carries out the requests that go on, writes what did not go out
//! at once, and ends it. Input that ends the connection waits, as all input does, for what was asked for before it.
//!
//! It is written as a future by hand, since an `async fn` would keep its read buffer and the largest of its states in
//! every connection. Input is read into one buffer a thread; only what is left of an unfinished frame stays here.

use crate::application::{Application, Data, Handling};
use crate::close::CloseReason;
use crate::config::Protocol;
use crate::counters::Counters;
use crate::frame::Frame;
use crate::lanes::{Lanes, Requests};
use crate::moving;
use crate::packets::Packets;
use crate::polling::{self, Flushed, Posted};
use crate::socket::{Guard, Phase, Socket};
use chat_wire::engine::{Packet, payload};
use chat_wire::limits::PAYLOAD_PACKETS_MAX;
use chat_wire::websocket::{Message, Opcode, Reader, Step, Violation, code};
use std::cell::RefCell;
use std::future::Future;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// How much one read takes.
const READ_BYTES: usize = 64 * 1024;

/// How many reads or bodies one wake handles before other tasks get their turn.
const BUDGET: u32 = 16;

thread_local! {
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// The driver of one connection.
pub(crate) struct Driver<A: Application> {
    socket: Arc<Socket<A>>,
    reader: Reader,
    /// Bytes of the WebSocket that are not handled yet.
    rest: Vec<u8>,
    /// The POST whose packets are being handled.
    posted: Option<Box<Posting>>,
    packets: Packets,
    /// What the input so far still does.
    requests: Requests,
    /// Whether input waits until the client has taken some of what it is owed.
    paused: bool,
    /// Whether our half of the stream is closed.
    shut: bool,
}

struct Posting {
    posted: Posted,
    at: usize,
    packets: usize,
}

/// What a look at the input came to.
enum Input {
    Handled,
    Idle,
}

impl<A: Application> Driver<A> {
    pub(crate) fn new(socket: Arc<Socket<A>>) -> Self {
        Self::with_rest(socket, Vec::new())
    }

    pub(crate) fn with_rest(socket: Arc<Socket<A>>, rest: Vec<u8>) -> Self {
        Self {
            socket,
            reader: Reader::new(),
            rest,
            posted: None,
            packets: Packets::default(),
            requests: Requests::default(),
            paused: false,
            shut: false,
        }
    }

    /// Looks for input and hands it over.
    fn input(&mut self, context: &mut Context<'_>) -> Input {
        {
            let mut guard = self.socket.lock();
            if self.posted.is_none() && guard.inner.polling.as_ref().is_some_and(|polling| polling.is_leaving()) {
                drop(guard);
                if self.requests.is_empty() {
                    moving::leave(&self.socket, self.packets.is_whole());
                }
                return Input::Idle;
            }
            // Who does not take its answers is not asked for more; what was posted to a session that leaves goes with it.
            let leaves = guard.inner.polling.as_ref().is_some_and(|polling| polling.leaving.is_some());
            self.paused = guard.is_open() && !guard.fits(0) && !leaves;
            match guard.inner.phase {
                Phase::Open => {}
                Phase::Lingering(_) if self.requests.is_empty() => {
                    drop(guard);
                    return self.discard(context);
                }
                Phase::Closing(_) | Phase::Lingering(_) | Phase::Dropped(_) | Phase::Closed => return Input::Idle,
            }
            if self.paused {
                return Input::Idle;
            }
            // What was posted before the upgrade comes before what was read behind it.
            if self.posted.is_none() {
                let upgraded = self.socket.is_websocket();
                if let Some(polling) = &mut guard.inner.polling {
                    match polling.inbox.pop_front() {
                        Some(posted) => self.posted = Some(Box::new(Posting { posted, at: 0, packets: 0 })),
                        None if upgraded => {
                            self.rest.append(&mut polling.rest);
                            self.socket.server().forget_sid(polling.sid);
                            guard.inner.polling = None;
                        }
                        None => return Input::Idle,
                    }
                }
            }
        }
        if self.posted.is_some() {
            return self.post();
        }
        if !self.rest.is_empty() {
            return self.resume(context);
        }
        let socket = self.socket.clone();
        match socket.io() {
            Some(io) => self.read(io, context),
            None => Input::Idle,
        }
    }

    /// Reads into the thread's buffer.
    fn read(&mut self, io: &TcpStream, context: &mut Context<'_>) -> Input {
        match io.poll_read_ready(context) {
            Poll::Pending => return Input::Idle,
            Poll::Ready(_) => {}
        }
        READ.with_borrow_mut(|buffer| match io.try_read(buffer) {
            Ok(0) => self.gone(),
            Ok(count) => {
                let (used, _) = self.frames(&mut buffer[..count]);
                self.rest = buffer[used..count].to_vec();
                Input::Handled
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Input::Handled,
            Err(_) => self.gone(),
        })
    }

    /// Goes on with the bytes that are here, and reads the rest of the frame that they begin.
    fn resume(&mut self, context: &mut Context<'_>) -> Input {
        let mut rest = std::mem::take(&mut self.rest);
        let (used, wanted) = self.frames(&mut rest);
        rest.drain(..used);
        // Where a frame was handled, what it left to do begins before more is read.
        if used > 0 || rest.is_empty() || !self.requests.take_more() || !self.socket.lock().is_open() {
            self.rest = rest;
            return Input::Handled;
        }
        let socket = self.socket.clone();
        let Some(io) = socket.io() else { return Input::Idle };
        let mut result = Input::Handled;
        if io.poll_read_ready(context).is_pending() {
            result = Input::Idle;
        } else {
            rest.reserve_exact(wanted.saturating_sub(rest.len()).clamp(1, READ_BYTES));
            match io.try_read_buf(&mut rest) {
                Ok(0) => result = self.gone(),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => result = self.gone(),
            }
        }
        self.rest = rest;
        result
    }

    /// Handles frames until one is not whole or something has to be waited for. Returns the bytes that were used and
    /// how many the next frame wants.
    fn frames(&mut self, input: &mut [u8]) -> (usize, usize) {
        let max = self.socket.server().config().max_payload;
        let mut used = 0;
        let mut reader = std::mem::take(&mut self.reader);
        let mut wanted = 0;
        while self.requests.take_more() {
            match reader.next(&mut input[used..], max) {
                Ok(Step::Incomplete { wanted: more }) => {
                    wanted = more;
                    break;
                }
                Ok(Step::Absorbed { used: more }) => used += more,
                Ok(Step::Message { message, used: more }) => {
                    used += more;
                    if let Err(reason) = self.message(message) {
                        self.close(reason);
                        break;
                    }
                }
                Err(violation) => {
                    tracing::debug!(connection = self.socket.key(), violation = violation.name(), "bad frame");
                    self.close(broken(violation));
                    break;
                }
            }
        }
        self.reader = reader;
        (used, wanted)
    }

    /// Handles the next packet of the POST at hand.
    fn post(&mut self) -> Input {
        let Some(posting) = &mut self.posted else { return Input::Idle };
        let body = posting.posted.body.slice(posting.at..);
        let end = body.iter().position(|byte| *byte == payload::SEPARATOR as u8).unwrap_or(body.len());
        posting.at += end + 1;
        posting.packets += 1;
        let (done, packets) = (posting.at > posting.posted.body.len(), posting.packets);
        let result = match std::str::from_utf8(&body[..end]) {
            Ok(text) if packets <= PAYLOAD_PACKETS_MAX => self.text(text),
            Ok(_) | Err(_) => Err(CloseReason::BadInput),
        };
        if let Err(reason) = result {
            // The sender is dropped with the body, and the request is answered by 400.
            self.posted = None;
            self.close(reason);
        } else if done && let Some(mut posting) = self.posted.take() {
            posting.posted.acknowledge();
        }
        Input::Handled
    }

    /// A client that is about to move sends no GET, and waits for the `ok` of each POST first: were that to wait for room in
    /// the outbox, neither would go on. What it posted is handled before anything that comes over the WebSocket all the same.
    fn acknowledge_early(&mut self) {
        if self.socket.is_websocket() {
            return;
        }
        let mut guard = self.socket.lock();
        let Some(polling) = guard.inner.polling.as_mut().filter(|polling| polling.transport.is_probing()) else {
            return;
        };
        let handling = self.posted.iter_mut().map(|posting| &mut posting.posted);
        handling.chain(&mut polling.inbox).for_each(Posted::acknowledge);
    }

    fn message(&mut self, message: Message<'_>) -> Result<(), CloseReason> {
        match message {
            Message::Text(text) => self.text(text),
            Message::Binary(bytes) => self.binary(bytes),
            Message::Ping(payload) => {
                self.socket.lock().send(&Frame::control(Opcode::Pong, payload));
                Ok(())
            }
            Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(CloseReason::Client),
        }
    }

    /// Handles one Engine.IO packet.
    fn text(&mut self, text: &str) -> Result<(), CloseReason> {
        match Packet::decode_text(text) {
            Ok(Packet::Message(message)) => match self.socket.server().config().protocol {
                Protocol::SocketIo => {
                    let handling = self.packets.text(&self.socket, message)?;
                    self.begin(handling, message.len());
                }
                Protocol::EngineIo => self.plain(Data::Text(message), message.len()),
            },
            Ok(Packet::Binary(bytes)) => self.binary(&bytes)?,
            Ok(Packet::Pong(_)) => self.pong(),
            Ok(Packet::Close) => return Err(CloseReason::Client),
            // Of no meaning here, and nothing to end a session for.
            Ok(Packet::Noop | Packet::Upgrade | Packet::Open(_)) => {}
            // In this version of the protocol the server pings.
            Ok(Packet::Ping(_)) => return Err(CloseReason::BadInput),
            Err(error) => {
                tracing::debug!(connection = self.socket.key(), error = error.name(), "bad packet");
                return Err(CloseReason::BadInput);
            }
        }
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<(), CloseReason> {
        match self.socket.server().config().protocol {
            Protocol::SocketIo => {
                let before = self.packets.bytes();
                let handling = self.packets.binary(&self.socket, bytes)?;
                self.begin(handling, before + bytes.len());
            }
            Protocol::EngineIo => self.plain(Data::Binary(bytes), bytes.len()),
        }
        Ok(())
    }

    fn plain(&mut self, data: Data<'_>, bytes: usize) {
        let handling = self.socket.server().application().message(&self.socket, data);
        self.begin(handling, bytes);
    }

    fn begin(&mut self, handling: Handling, bytes: usize) {
        match handling {
            Handling::Done => {}
            Handling::Later(lanes, rest) => {
                self.requests.push(lanes, bytes, rest);
                if self.requests.is_full() {
                    self.socket.server().counters().crowded.inc();
                }
            }
        }
    }

    /// Ends the connection for something that came, after what came before it.
    fn close(&mut self, reason: CloseReason) {
        self.end(move |guard| guard.close(reason));
    }

    fn end(&mut self, how: impl FnOnce(&mut Guard<'_, A>) + Send + 'static) {
        if self.requests.is_empty() {
            return how(&mut self.socket.lock());
        }
        let socket = self.socket.clone();
        self.requests.push(Lanes::Every, 0, Box::pin(async move { how(&mut socket.lock()) }));
    }

    fn pong(&self) {
        let mut guard = self.socket.lock();
        if guard.inner.pings == 0 {
            return;
        }
        guard.inner.pings -= 1;
        if guard.inner.pings > 0 {
            guard.inner.pinged_at = self.socket.server().now();
        }
        drop(guard);
        self.socket.server().application().pong(&self.socket);
    }

    /// Reads on after our close frame until the client's, so that the last bytes reach it.
    fn discard(&mut self, context: &mut Context<'_>) -> Input {
        let socket = self.socket.clone();
        let Some(io) = socket.io() else { return Input::Idle };
        if io.poll_read_ready(context).is_pending() {
            return Input::Idle;
        }
        READ.with_borrow_mut(|buffer| match io.try_read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Input::Handled,
            Ok(count) if count > 0 => Input::Handled,
            Ok(_) | Err(_) => self.gone(),
        })
    }

    /// The transport has ended.
    fn gone(&mut self) -> Input {
        self.end(|guard| {
            let reason = match guard.inner.phase {
                Phase::Closing(reason) | Phase::Lingering(reason) => reason,
                Phase::Open | Phase::Dropped(_) | Phase::Closed => CloseReason::TransportLost,
            };
            guard.abort(reason);
        });
        Input::Handled
    }

    /// Writes what waits. Ready when the connection is over.
    fn output(&mut self, context: &mut Context<'_>) -> Poll<CloseReason> {
        let socket = self.socket.clone();
        let Some(io) = socket.io() else {
            let mut guard = socket.lock();
            return match (guard.inner.phase, polling::flush(&mut guard, socket.server().config().outbox_bytes)) {
                (Phase::Dropped(reason), _) => Poll::Ready(reason),
                (Phase::Closing(reason) | Phase::Lingering(reason), Flushed::Closed) => Poll::Ready(reason),
                (_, _) => Poll::Pending,
            };
        };
        loop {
            let mut guard = socket.lock();
            if let Phase::Dropped(reason) = guard.inner.phase {
                return Poll::Ready(reason);
            }
            let before = guard.inner.outbox.bytes();
            let flushed = guard.inner.outbox.flush(io);
            if guard.inner.outbox.bytes() < before {
                guard.inner.moved = socket.server().now();
            }
            if guard.inner.outbox.bytes() <= socket.server().config().outbox_bytes / 2 {
                guard.wake_room();
            }
            match (flushed, guard.inner.phase) {
                (Err(_), Phase::Closing(reason) | Phase::Lingering(reason)) => return Poll::Ready(reason),
                (Err(_), _) => return Poll::Ready(CloseReason::TransportLost),
                (Ok(false), _) => {
                    drop(guard);
                    if io.poll_write_ready(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                (Ok(true), Phase::Closing(reason)) => {
                    let code = reason.code().to_be_bytes();
                    guard.inner.outbox.push(&Frame::control(Opcode::Close, &code));
                    guard.inner.phase = Phase::Lingering(reason);
                }
                (Ok(true), Phase::Lingering(CloseReason::Client)) => return Poll::Ready(CloseReason::Client),
                (Ok(true), Phase::Lingering(_)) => {
                    guard.inner.blocked = false;
                    if !self.shut {
                        // No more from us; the client's end of the stream is what `discard` waits for.
                        self.shut = true;
                        let _ = socket2::SockRef::from(io).shutdown(Shutdown::Write);
                        context.waker().wake_by_ref();
                    }
                    return Poll::Pending;
                }
                (Ok(true), _) => {
                    guard.inner.blocked = false;
                    return Poll::Pending;
                }
            }
        }
    }

    /// The connection is over: takes it out of everything that knows it, and tells the application.
    fn finish(&mut self, reason: CloseReason) {
        let socket = self.socket.clone();
        let server = socket.server().clone();
        self.posted = None;
        let mut guard = socket.lock();
        guard.inner.phase = Phase::Closed;
        guard.inner.outbox.clear();
        guard.forget_acks();
        guard.wake_room();
        let authenticated = guard.inner.namespaces != 0;
        if let Some(mut polling) = guard.inner.polling.take() {
            polling.end();
            server.forget_sid(polling.sid);
        }
        drop(guard);
        server.remove(&socket, authenticated);
        let transport = Counters::transport(socket.is_websocket());
        server.counters().connections.with_label_values(&[transport]).dec();
        server.counters().closed(reason);
        server.application().closed(&socket, reason);
    }
}

/// What a broken frame ends the connection for.
fn broken(violation: Violation) -> CloseReason {
    match violation.close_code() {
        code::TOO_LARGE => CloseReason::TooLarge,
        code::INVALID_DATA => CloseReason::BadText,
        code::POLICY => CloseReason::BrokenRule,
        _ => CloseReason::BadInput,
    }
}

impl<A: Application> Future for Driver<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.socket.waker().register(context.waker());
        let mut budget = BUDGET;
        loop {
            this.requests.poll(context);
            if !this.requests.take_more() {
                break;
            }
            if budget == 0 {
                context.waker().wake_by_ref();
                break;
            }
            budget -= 1;
            match this.input(context) {
                Input::Handled => {}
                Input::Idle => break,
            }
        }
        this.acknowledge_early();
        match this.output(context) {
            Poll::Ready(reason) => {
                this.finish(reason);
                Poll::Ready(())
            }
            Poll::Pending => {
                if this.paused && this.socket.lock().fits(0) {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }
}
