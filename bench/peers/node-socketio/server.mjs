// The stock Socket.IO server with its stock rooms, as an application would use it: join, send, one broadcast a send.
// Positions count up a room, so that the load generator can tell lost from doubled.
// Usage: node server.mjs --listen HOST:PORT
import { createServer } from "node:http";
import { Server } from "socket.io";

const at = process.argv.indexOf("--listen");
const [host, port] = (at < 0 ? "127.0.0.1:9102" : process.argv[at + 1]).split(":");

const http = createServer();
const io = new Server(http, { perMessageDeflate: false, serveClient: false });
const tails = new Map();
const position = (room) => `1-${tails.get(room) ?? 0}`;

io.on("connection", (socket) => {
  const from = { id: socket.id, name: socket.handshake.auth.name };

  socket.on("join", async ({ room }, ack) => {
    await socket.join(room);
    ack({ ok: true, from: position(room) });
  });

  socket.on("send", ({ room, id, text }, ack) => {
    tails.set(room, (tails.get(room) ?? 0) + 1);
    const entry = { room, position: position(room), at: Date.now(), id, from, kind: "message", text };
    io.to(room).emit("message", entry);
    ack({ ok: true, position: entry.position, at: entry.at });
  });
});

http.listen({ host, port: Number(port), backlog: 4096 });
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
