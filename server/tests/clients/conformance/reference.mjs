// The stock Socket.IO server with the behaviour of `server/socket/examples/conformance.rs`: what the suite is checked against.
// A test that fails here is wrong, or deliberately stricter (`stricter` in `expect.mjs` says which and why).
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server as Engine } from "engine.io";
import { Server } from "socket.io";

const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "127.0.0.1:3000" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "20000" },
    "max-payload": { type: "string", default: "1000000" },
    recovery: { type: "boolean", default: false },
  },
});
const heartbeat = { pingInterval: Number(values["ping-interval"]), pingTimeout: Number(values["ping-timeout"]) };
const options = { ...heartbeat, maxHttpBufferSize: Number(values["max-payload"]), cors: { origin: "*" } };

const http = createServer((_, response) => response.writeHead(404).end());
const engine = new Engine(options);
engine.attach(http, { path: "/engine.io/", destroyUpgrade: false });
engine.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));

const io = new Server(http, {
  ...options,
  path: "/socket.io/",
  connectTimeout: 1_000,
  destroyUpgrade: false,
  ...(values.recovery ? { connectionStateRecovery: {} } : {}),
});
const echo = (socket) => {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => typeof args.at(-1) === "function" && args.pop()(...args));
};
io.on("connection", echo);
io.of("/custom").on("connection", echo);

const colon = values.listen.lastIndexOf(":");
http.listen(Number(values.listen.slice(colon + 1)), values.listen.slice(0, colon));
process.on("SIGTERM", () => process.exit(0));
