//! Socket.IO packets of one connection to calls of the application.

use crate::application::{Ack, Application, Event, Handling, Namespace};
use crate::close::CloseReason;
use crate::socket::Socket;
use bytes::Bytes;
use chat_wire::socket::{self as wire, Attachments, BadPacket, Collected, Kind, Packet};
use std::sync::Arc;

/// What is kept between packets: a binary one whose attachments are still to come.
#[derive(Default)]
pub(crate) struct Packets {
    pending: Option<Box<Attachments>>,
}

impl Packets {
    /// Whether no packet waits for attachments.
    pub(crate) fn is_whole(&self) -> bool {
        self.pending.is_none()
    }

    /// How long the packet is whose attachments are still to come, as far as it is here.
    pub(crate) fn bytes(&self) -> usize {
        self.pending.as_ref().map_or(0, |attachments| attachments.bytes())
    }

    /// Handles a text message.
    pub(crate) fn text<A: Application>(
        &mut self,
        socket: &Arc<Socket<A>>,
        text: &str,
    ) -> Result<Handling, CloseReason> {
        if self.pending.is_some() {
            return Err(bad(socket, BadPacket::UnexpectedText));
        }
        let packet = Packet::decode(text).map_err(|error| bad(socket, error))?;
        if packet.kind.is_binary() {
            let max = socket.server().config().max_payload;
            let attachments = Attachments::begin(&packet, max).map_err(|error| bad(socket, error))?;
            return self.collect(socket, Box::new(attachments));
        }
        handle(socket, &packet, &[])
    }

    /// Handles a binary message: the next attachment.
    pub(crate) fn binary<A: Application>(
        &mut self,
        socket: &Arc<Socket<A>>,
        bytes: &[u8],
    ) -> Result<Handling, CloseReason> {
        let Some(mut attachments) = self.pending.take() else {
            return Err(bad(socket, BadPacket::UnexpectedBinary));
        };
        // Checked before it is kept: the collector refuses what would go over the bound.
        let _ = attachments.push(Bytes::copy_from_slice(bytes)).map_err(|error| bad(socket, error))?;
        self.collect(socket, attachments)
    }

    fn collect<A: Application>(
        &mut self,
        socket: &Arc<Socket<A>>,
        attachments: Box<Attachments>,
    ) -> Result<Handling, CloseReason> {
        match attachments.collected() {
            Collected::More => {
                self.pending = Some(attachments);
                Ok(Handling::Done)
            }
            Collected::All => handle(socket, &attachments.packet(), attachments.parts()),
        }
    }
}

/// Handles a whole packet.
fn handle<A: Application>(
    socket: &Arc<Socket<A>>,
    packet: &Packet<'_>,
    attachments: &[Bytes],
) -> Result<Handling, CloseReason> {
    let application = socket.server().application();
    let known = application.namespaces().iter().position(|name| *name == packet.namespace);
    let namespace = known.map(|at| Namespace(at as u8));
    let connected = namespace.filter(|namespace| socket.lock().is_connected(*namespace));
    match (packet.kind, namespace, connected) {
        (Kind::Connect, None, _) => {
            socket.lock().refuse_unknown(packet.namespace);
            Ok(Handling::Done)
        }
        (Kind::Connect, Some(namespace), None) => Ok(application.connect(socket, namespace, packet.data)),
        // A stay that is there already cannot be opened again, and nothing else may come before it.
        (Kind::Connect, Some(_), Some(_)) | (_, _, None) => Err(bad(socket, BadPacket::Kind)),
        (Kind::Disconnect, _, Some(namespace)) => {
            let socket = socket.clone();
            // What was asked for before is done before.
            Ok(Handling::alone(async move {
                socket.lock().leave(namespace);
                socket.server().application().disconnect(&socket, namespace);
            }))
        }
        (Kind::Event | Kind::BinaryEvent, _, Some(namespace)) => {
            let event = wire::Event::parse(packet.data).map_err(|error| bad(socket, error))?;
            let ack = packet.id.map(|id| Ack { namespace, id });
            let event = Event { namespace, name: &event.name, arguments: &event.args, attachments, ack };
            Ok(application.event(socket, event))
        }
        (Kind::Ack | Kind::BinaryAck, _, Some(_)) => {
            wire::Event::parse_ack(packet.data).map_err(|error| bad(socket, error))?;
            if let Some(id) = packet.id {
                socket.lock().answered(id, packet.data);
            }
            Ok(Handling::Done)
        }
        // Only servers send it.
        (Kind::ConnectError, _, Some(_)) => Err(bad(socket, BadPacket::Kind)),
    }
}

fn bad<A: Application>(socket: &Socket<A>, error: BadPacket) -> CloseReason {
    tracing::debug!(connection = socket.key(), error = error.name(), "bad packet");
    if error == BadPacket::TooLarge { CloseReason::TooLarge } else { CloseReason::BadInput }
}
