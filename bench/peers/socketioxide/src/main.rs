//! socketioxide with its own rooms, as an application would use it: join, send, one broadcast a send.
//!
//! Positions count up a room, so that the load generator can tell lost from doubled. The counter stays locked over
//! the broadcast: handlers of one socket run side by side here, and entries would go out of order without it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

type Tails = Arc<Mutex<HashMap<String, u64>>>;

#[derive(Deserialize)]
struct Join {
    room: String,
}

#[derive(Deserialize)]
struct Send {
    room: String,
    id: String,
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip_while(|arg| arg != "--listen").skip(1);
    let listen = args.next().unwrap_or_else(|| "127.0.0.1:9103".to_owned());
    let tails = Tails::default();
    let (layer, io) = SocketIo::builder().build_layer();
    let server = io.clone();
    io.ns("/", async move |socket: SocketRef, Data::<Value>(auth)| {
        let name = auth["name"].as_str().unwrap_or_default().to_owned();
        let joins = tails.clone();
        socket.on("join", async move |socket: SocketRef, Data::<Join>(join), ack: AckSender| {
            let tail = joins.lock().await.get(&join.room).copied().unwrap_or(0);
            socket.join(join.room);
            let _ = ack.send(&json!({"ok": true, "from": format!("1-{tail}")}));
        });
        let (io, tails) = (server.clone(), tails.clone());
        socket.on("send", async move |socket: SocketRef, Data::<Send>(send), ack: AckSender| {
            let Send { room, id, text } = send;
            let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
            let mut tails = tails.lock().await;
            let tail = tails.entry(room.clone()).or_default();
            *tail += 1;
            let position = format!("1-{tail}");
            let from = json!({"id": socket.id, "name": name});
            let entry = json!({"room": room, "position": position, "at": at, "id": id, "from": from, "kind": "message", "text": text});
            let _ = io.to(room).emit("message", &entry).await;
            drop(tails);
            let _ = ack.send(&json!({"ok": true, "position": position, "at": at}));
        });
    });
    let app = axum::Router::new().layer(layer);
    let listener = TcpListener::bind(listen).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
