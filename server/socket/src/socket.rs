//! One connection: its transport, its outbox, and the application's state of it.

use crate::acks::Acks;
use crate::application::{Ack, Application, Namespace};
use crate::close::CloseReason;
use crate::frame::{Batch, Frame};
use crate::moving::Arrival;
use crate::outbox::{Outbox, Written};
use crate::polling::Polling;
use crate::server::Server;
use bytes::Bytes;
use chat_wire::{socket as packet, websocket};
use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use std::io::IoSlice;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use tokio::net::TcpStream;

/// One Engine.IO session and the Socket.IO namespaces on it.
pub struct Socket<A: Application> {
    server: Arc<Server<A>>,
    /// The WebSocket's stream; unset while the session is on polling.
    io: OnceLock<TcpStream>,
    /// Wakes the driver.
    waker: AtomicWaker,
    /// Where the server keeps this socket.
    key: AtomicU32,
    /// When the sweeper is to look at it next, by the server's clock in ms.
    look_at: AtomicU32,
    inner: Mutex<Inner<A>>,
}

/// Where a connection stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// What is queued still goes out, then the transport is closed. Nothing new is taken.
    Closing(CloseReason),
    /// The close frame is out; the client's is waited for.
    Lingering(CloseReason),
    /// Over, without another byte; the driver is about to see it.
    Dropped(CloseReason),
    Closed,
}

pub(crate) struct Inner<A: Application> {
    pub(crate) phase: Phase,
    pub(crate) outbox: Outbox,
    /// A bit for each connected namespace.
    pub(crate) namespaces: u32,
    /// Pings without a pong.
    pub(crate) pings: u8,
    /// When the connection was opened, by the server's clock in ms.
    pub(crate) opened_at: u32,
    /// When the oldest ping without a pong went out, or else the latest ping.
    pub(crate) pinged_at: u32,
    /// When bytes that had to wait last moved, or began to wait.
    pub(crate) moved: u32,
    /// Whether the WebSocket did not take all that there was.
    pub(crate) blocked: bool,
    pub(crate) polling: Option<Box<Polling>>,
    pub(crate) acks: Option<Box<Acks>>,
    /// Who waits for room in the outbox.
    room_wanted: Option<Waker>,
    pub(crate) app: A::State,
}

impl<A: Application> Inner<A> {
    fn new(now: u32, app: A::State, polling: Option<Box<Polling>>) -> Self {
        Self {
            phase: Phase::Open,
            outbox: Outbox::default(),
            namespaces: 0,
            pings: 0,
            opened_at: now,
            pinged_at: now,
            moved: now,
            blocked: false,
            polling,
            acks: None,
            room_wanted: None,
            app,
        }
    }
}

impl<A: Application> Socket<A> {
    pub(crate) fn new(server: Arc<Server<A>>, app: A::State, polling: Option<Box<Polling>>) -> Arc<Self> {
        let inner = Inner::new(server.now(), app, polling);
        Self::with(server, inner, OnceLock::new())
    }

    /// One that comes from another server, on its WebSocket: what was unsent there goes out first.
    pub(crate) fn arriving(server: Arc<Server<A>>, app: A::State, arrival: &Arrival, io: TcpStream) -> Arc<Self> {
        let now = server.now();
        let Arrival { namespaces, pings, pinged_ago, opened_ago, acks_next, unsent, app: _ } = arrival;
        let mut inner = Inner::new(now, app, None);
        inner.namespaces = *namespaces;
        inner.pings = *pings;
        inner.pinged_at = now.wrapping_sub(*pinged_ago);
        inner.opened_at = now.wrapping_sub(*opened_ago);
        inner.acks = Acks::going_on_at(*acks_next);
        inner.outbox.push_frames(unsent);
        inner.blocked = !unsent.is_empty();
        let socket = Self::with(server, inner, OnceLock::from(io));
        if *namespaces != 0 {
            socket.server.authenticated();
        }
        socket
    }

    fn with(server: Arc<Server<A>>, inner: Inner<A>, io: OnceLock<TcpStream>) -> Arc<Self> {
        let socket = Arc::new(Self {
            io,
            waker: AtomicWaker::new(),
            key: AtomicU32::new(0),
            look_at: AtomicU32::new(server.now()),
            inner: Mutex::new(inner),
            server,
        });
        let key = socket.server.insert(&socket);
        socket.key.store(key, Ordering::Relaxed);
        socket
    }

    /// A number for logs, unique among the connections that are open now.
    pub fn key(&self) -> u32 {
        self.key.load(Ordering::Relaxed)
    }

    /// The server that it belongs to.
    pub fn server(&self) -> &Arc<Server<A>> {
        &self.server
    }

    /// Locks the connection: what is done under one guard is one step to everybody else.
    pub fn lock(&self) -> Guard<'_, A> {
        Guard { socket: self, inner: self.inner.lock() }
    }

    /// Whether it runs over WebSocket.
    pub fn is_websocket(&self) -> bool {
        self.io.get().is_some()
    }

    pub(crate) fn io(&self) -> Option<&TcpStream> {
        self.io.get()
    }

    /// From here on the session is on WebSocket.
    pub(crate) fn set_io(&self, io: TcpStream) {
        // A second stream cannot come: the transport machine answers one probe, and an open WebSocket none.
        let _ = self.io.set(io);
    }

    pub(crate) fn waker(&self) -> &AtomicWaker {
        &self.waker
    }

    pub(crate) fn is_due(&self, now: u32) -> bool {
        now.wrapping_sub(self.look_at.load(Ordering::Relaxed)).cast_signed() >= 0
    }

    pub(crate) fn look_again(&self, at: u32) {
        self.look_at.store(at, Ordering::Relaxed);
    }

    /// As [`Self::look_again`], unless it is looked at earlier anyway.
    fn look_by(&self, at: u32) {
        if self.look_at.load(Ordering::Relaxed).wrapping_sub(at).cast_signed() > 0 {
            self.look_again(at);
        }
    }
}

/// A locked connection.
pub struct Guard<'a, A: Application> {
    socket: &'a Socket<A>,
    pub(crate) inner: MutexGuard<'a, Inner<A>>,
}

impl<A: Application> Guard<'_, A> {
    /// The server of the connection.
    pub(crate) fn server(&self) -> &Arc<Server<A>> {
        &self.socket.server
    }

    /// The application's state of this connection.
    pub fn app(&mut self) -> &mut A::State {
        &mut self.inner.app
    }

    /// Whether it takes frames. A closed connection drops them.
    pub fn is_open(&self) -> bool {
        self.inner.phase == Phase::Open
    }

    /// Whether this namespace is connected.
    pub fn is_connected(&self, namespace: Namespace) -> bool {
        self.inner.namespaces & (1 << namespace.0) != 0
    }

    /// Whether the client's WebSocket has not taken all that there is for it.
    pub(crate) fn is_blocked(&self) -> bool {
        self.inner.blocked
    }

    /// Whether it runs over WebSocket.
    pub fn is_websocket(&self) -> bool {
        self.socket.is_websocket()
    }

    /// How many pings have no pong yet.
    pub fn pings(&self) -> u8 {
        self.inner.pings
    }

    /// Whether nothing waits to be sent.
    pub fn is_drained(&self) -> bool {
        self.inner.outbox.is_empty()
    }

    /// Whether `more` bytes are within the bound of the outbox. Those who send more than one small answer ask first.
    pub fn fits(&self, more: usize) -> bool {
        self.inner.outbox.fits(more, self.socket.server.config().outbox_bytes)
    }

    /// As [`Self::fits`], for one task that waits for room; ready, too, when the connection is over.
    pub fn poll_fits(&mut self, more: usize, context: &Context<'_>) -> Poll<()> {
        if self.fits(more) || !self.is_open() {
            return Poll::Ready(());
        }
        self.inner.room_wanted = Some(context.waker().clone());
        Poll::Pending
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &Frame) {
        if !self.is_open() {
            return;
        }
        match self.socket.io.get() {
            Some(io) => {
                let written = self.inner.outbox.write(io, frame.bytes());
                self.settle(written);
            }
            None => {
                self.inner.outbox.push(frame);
                self.socket.waker.wake();
            }
        }
    }

    /// Sends frames that were joined once for many connections.
    pub fn send_batch(&mut self, batch: &Batch) {
        if !self.is_open() {
            return;
        }
        match self.socket.io.get() {
            Some(io) => {
                let written = self.inner.outbox.write(io, batch.joined());
                self.settle(written);
            }
            None => {
                for frame in batch.frames() {
                    self.inner.outbox.push(frame);
                }
                self.socket.waker.wake();
            }
        }
    }

    /// Sends a text packet made of a shared body and a tail of this connection's own, without copying the body.
    pub fn send_own(&mut self, body: &[u8], tail: &[u8]) {
        if !self.is_open() {
            return;
        }
        match self.socket.io.get() {
            Some(io) => {
                let (header, length) = websocket::header(body.len() + tail.len(), websocket::Opcode::Text);
                let parts = [IoSlice::new(&header[..length]), IoSlice::new(body), IoSlice::new(tail)];
                let written = self.inner.outbox.write_parts(io, &parts);
                self.settle(written);
            }
            None => self.send(&Frame::text_of(&[body, tail])),
        }
    }

    /// Emits an event; `arguments` are JSON texts.
    pub fn emit(&mut self, namespace: Namespace, name: &str, arguments: &[&str]) {
        let mut body = Vec::new();
        packet::event(self.path(namespace), None, name, arguments.iter().copied(), &mut body);
        self.send(&Frame::text(&body));
    }

    /// Emits an event whose arguments hold placeholders for `attachments`.
    pub fn emit_binary(&mut self, namespace: Namespace, name: &str, arguments: &[&str], attachments: &[Bytes]) {
        if attachments.is_empty() {
            return self.emit(namespace, name, arguments);
        }
        let mut body = Vec::new();
        let count = attachments.len() as u32;
        packet::binary_event(self.path(namespace), None, name, arguments.iter().copied(), count, &mut body);
        self.send_with(&body, attachments);
    }

    /// Answers an event; `arguments` are JSON texts.
    pub fn acknowledge(&mut self, ack: Ack, arguments: &[&str]) {
        let mut body = Vec::new();
        packet::ack(self.path(ack.namespace), ack.id, arguments.iter().copied(), &mut body);
        self.send(&Frame::text(&body));
    }

    /// Answers an event with arguments that hold placeholders for `attachments`.
    pub fn acknowledge_binary(&mut self, ack: Ack, arguments: &[&str], attachments: &[Bytes]) {
        if attachments.is_empty() {
            return self.acknowledge(ack, arguments);
        }
        let mut body = Vec::new();
        let count = attachments.len() as u32;
        packet::binary_ack(self.path(ack.namespace), ack.id, arguments.iter().copied(), count, &mut body);
        self.send_with(&body, attachments);
    }

    fn send_with(&mut self, body: &[u8], attachments: &[Bytes]) {
        let mut frames = vec![Frame::text(body)];
        frames.extend(attachments.iter().map(|attachment| Frame::binary(attachment)));
        self.send_batch(&Batch::new(frames));
    }

    /// Accepts a namespace: the connect reply, with the id of this stay and, where the session can be recovered, its secret `pid`.
    pub fn accept(&mut self, namespace: Namespace, sid: &str, pid: Option<&str>) {
        let mut body = Vec::new();
        packet::connect_reply(self.path(namespace), sid, pid, &mut body);
        if self.inner.namespaces == 0 {
            self.socket.server.authenticated();
        }
        self.inner.namespaces |= 1 << namespace.0;
        self.send(&Frame::text(&body));
    }

    /// Refuses a namespace. Stock clients do not try again by themselves. `data` is a JSON text.
    pub fn refuse(&mut self, namespace: Namespace, message: &str, data: Option<&str>) {
        let mut body = Vec::new();
        packet::connect_error(self.path(namespace), message, data, &mut body);
        self.send(&Frame::text(&body));
    }

    /// The client has left a namespace.
    pub(crate) fn leave(&mut self, namespace: Namespace) {
        self.inner.namespaces &= !(1 << namespace.0);
        if self.inner.namespaces == 0 {
            self.inner.opened_at = self.socket.server.now();
            self.socket.server.unauthenticated();
        }
    }

    /// Refuses a namespace that the application does not have.
    pub(crate) fn refuse_unknown(&mut self, path: &str) {
        let mut body = Vec::new();
        packet::connect_error(path, "Invalid namespace", None, &mut body);
        self.send(&Frame::text(&body));
    }

    /// Places a ping now; its pong is proof that all that was sent before it was received.
    pub fn ping(&mut self) {
        if !self.is_open() || self.inner.pings == u8::MAX {
            return;
        }
        if self.inner.pings == 0 {
            self.inner.pinged_at = self.socket.server.now();
            let timeout = self.socket.server.config().ping_timeout.as_millis() as u32;
            self.socket.look_by(self.inner.pinged_at.wrapping_add(timeout));
        }
        self.inner.pings += 1;
        let server = self.socket.server.clone();
        server.application().ping_queued(&mut self.inner.app);
        self.send(server.ping_frame());
    }

    /// Ends the connection once what is queued has gone out: by a close of the transport, so that clients come back.
    pub fn close(&mut self, reason: CloseReason) {
        if self.is_open() {
            self.end(Phase::Closing(reason));
        }
    }

    /// Ends the connection without another byte.
    pub(crate) fn abort(&mut self, reason: CloseReason) {
        match self.inner.phase {
            Phase::Open | Phase::Closing(_) | Phase::Lingering(_) => {
                self.inner.outbox.clear();
                self.end(Phase::Dropped(reason));
            }
            Phase::Dropped(_) | Phase::Closed => {}
        }
    }

    fn end(&mut self, phase: Phase) {
        self.inner.phase = phase;
        self.inner.moved = self.socket.server.now();
        self.socket.look_by(self.inner.moved.wrapping_add(1_000));
        self.wake_room();
        self.socket.waker.wake();
    }

    /// From here on the client is waited for, if there is something that its WebSocket did not take.
    pub(crate) fn wait_for_client(&mut self) {
        if !self.inner.blocked && !self.inner.outbox.is_empty() {
            let server = &self.socket.server;
            self.inner.blocked = true;
            self.inner.moved = server.now();
            let stall = server.config().stall_timeout.as_millis() as u32;
            self.socket.look_by(self.inner.moved.wrapping_add(stall));
        }
    }

    pub(crate) fn wake_room(&mut self) {
        if let Some(waker) = self.inner.room_wanted.take() {
            waker.wake();
        }
    }

    pub(crate) fn path(&self, namespace: Namespace) -> &'static str {
        self.socket.server.application().namespaces()[usize::from(namespace.0)]
    }

    fn settle(&mut self, written: Written) {
        match written {
            Written::All => {}
            Written::Queued => {
                self.wait_for_client();
                self.socket.waker.wake();
            }
            Written::Lost => self.abort(CloseReason::TransportLost),
        }
    }
}
