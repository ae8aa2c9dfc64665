// Forged, stolen and invented secrets: ids of sessions and connections, offsets. Nobody gets what is another's.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { Person, n, unique } from "../chat/person.mjs";
import { claims, token } from "../chat/token.mjs";
import { JWT_SECRET } from "../target/chat.mjs";
import { pause, until, within } from "../wire/deadline.mjs";
import { PollingSession, request } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { attack, server } from "./target.mjs";

const SOCKET = "/socket.io/";

attack("forged sids are unknown, on GET, POST and upgrade", ["forged_sid"], async () => {
  const session = await PollingSession.open(server.url, SOCKET);
  const forged = ["", "x", "0", "../..", "%00", "a".repeat(10_000), session.sid.slice(0, -1), `${session.sid}x`, session.sid.toUpperCase() + "A",
    randomBytes(16).toString("base64url"), "constructor", "' or 1=1"];
  for (const sid of forged) {
    const url = `${server.url}${SOCKET}?EIO=4&transport=polling&sid=${encodeURIComponent(sid)}`;
    for (const method of ["GET", "POST"]) {
      const { status, text } = await request(url, { method, body: method === "POST" ? "40" : undefined });
      assert.ok(status === 400 || (status === 414 && sid.length > 1_000) || (sid === "" && method === "GET"), `${method} ${sid}: ${status} ${text}`);
    }
    if (sid !== "") await new Wire(Wire.url(server.url, SOCKET, sid)).closed();
  }
  await session.send('40{"name":"Still here"}');
});

/** Connects by raw packets with this auth, and collects what comes for a moment. */
async function present(auth) {
  const wire = await Wire.open(server.url, SOCKET, { heartbeat: true });
  wire.send(`40${JSON.stringify(auth)}`);
  const reply = await wire.next();
  if (!reply.startsWith("40")) return { reply, wire };
  const ready = JSON.parse((await wire.next()).slice(2))[1];
  return { wire, reply, pid: JSON.parse(reply.slice(2)).pid, ready };
}

const as = (sub) => ({ token: token(claims(sub), JWT_SECRET) });

/** A victim in a room with secrets, connected by raw packets so that its pid and offset are known. */
async function victim() {
  const sub = unique("victim");
  const room = unique("secret");
  const { wire, pid } = await present(as(sub));
  wire.send(`420["join",${JSON.stringify({ room })}]`);
  await until(() => wire.arrived.some((packet) => packet.startsWith("430[")), "the ack of join");
  wire.send(`421["send",${JSON.stringify({ room, id: "1", text: "a secret" })}]`);
  await until(() => wire.arrived.some((packet) => packet.startsWith('42["message"')), "the message");
  const offset = JSON.parse(wire.arrived.find((packet) => packet.startsWith('42["message"')).slice(2)).at(-1);
  return { sub, room, wire, pid, offset };
}

attack("another user's pid recovers nothing and disturbs nobody", [], async () => {
  const { wire: theirs, room, pid, offset } = await victim();
  const thief = await present({ ...as(unique("thief")), pid, offset });
  assert.notEqual(thief.pid, pid);
  assert.equal(thief.ready.recovered, false);
  assert.deepEqual(thief.ready.rooms, []);
  const guest = await present({ name: "Mallory", pid, offset });
  assert.notEqual(guest.pid, pid);
  theirs.arrived.length = 0;
  theirs.send(`422["send",${JSON.stringify({ room, id: "2", text: "another secret" })}]`);
  await until(() => theirs.arrived.some((packet) => packet.includes("another secret")), "the victim to go on");
  await pause(200);
  for (const { wire } of [thief, guest]) assert.ok(!wire.arrived.some((packet) => packet.includes("secret")), wire.arrived.join());
});

attack("a pid that nobody has begins a new session", [], async () => {
  for (const pid of ["x", randomBytes(16).toString("base64url"), "a".repeat(10_000), 5, null, {}, [], true, ""]) {
    const { reply, pid: given, ready, wire } = await present({ ...as(unique("user")), pid, offset: "r:x:1-1" });
    if (reply.startsWith("44")) assert.equal(JSON.parse(reply.slice(2)).data.code, "invalid");
    else {
      assert.notEqual(given, pid);
      assert.equal(ready.recovered, false);
    }
    wire.end();
  }
});

attack("whatever offset one presents, one gets one's own entries after it at most, and no other room", [], async () => {
  const hidden = unique("hidden");
  const keeper = await Person.connect(server.url, as(unique("keeper")));
  await keeper.join(hidden);
  await keeper.say(hidden, "a secret");
  const { sub, room, wire, pid, offset } = await victim();
  wire.end();
  const [epoch] = keeper.all("message", hidden)[0].position.split("-");
  const offsets = [
    offset, "", "x", "r:", "r::", `r:${room}:`, `r:${room}:${epoch}-0`, `r:${room}:${epoch}-999999`, `r:${room}:${Number(epoch) + 1}-1`, `r:${room}:99999999999999999999-1`,
    `r:${hidden}:${epoch}-0`, `r:${hidden}:0-0`, "s:", "s:x:", `s:x:1=${epoch}-0`, `s:${"x".repeat(5_000)}`, `s:x:${Array.from({ length: 40 }, (_, i) => `${i}=1-1`).join(",")}`,
    5, null, {}, [], true, ["r:x:1-1"],
  ];
  for (const presented of offsets) {
    const { wire: again, reply, ready } = await present({ ...as(sub), pid, offset: presented });
    if (reply.startsWith("44")) {
      assert.equal(JSON.parse(reply.slice(2)).data.code, "invalid", `${JSON.stringify(presented)}: ${reply}`);
      continue;
    }
    assert.ok(ready.rooms.every((one) => one.room === room), JSON.stringify(ready.rooms));
    again.send(`429["send",${JSON.stringify({ room, id: unique("m"), text: "on" })}]`);
    if (ready.recovered) await until(() => again.arrived.some((packet) => packet.startsWith('42["message"') && packet.includes('"on"')), `its own room to go on after ${JSON.stringify(presented)}`);
    assert.ok(!again.arrived.some((packet) => packet.includes(hidden)), again.arrived.join());
    const seen = again.arrived.filter((packet) => packet.startsWith('42["message"')).map((packet) => n(JSON.parse(packet.slice(2))[1].position));
    for (let i = 1; i < seen.length; i++) assert.equal(seen[i], seen[i - 1] + 1, `entries after ${JSON.stringify(presented)}: ${seen}`);
    again.end();
  }
});

attack("bytes that are no HTTP are ended", [], async () => {
  const { hostname, port } = new URL(server.url);
  const openings = [
    randomBytes(4_096),
    Buffer.from("16030100f0010000ec0303", "hex"), // the start of a TLS handshake
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Buffer.from("\0\0\0\0"),
    Buffer.from("GET / HTTP/9.9\r\n\r\n"),
    Buffer.from("G".repeat(100_000)),
    Buffer.from("POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
    Buffer.from("POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    Buffer.from("POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
  ];
  await Promise.all(openings.flatMap((bytes) => Array.from({ length: 20 }, async () => {
    const socket = connect(Number(port), hostname).on("error", () => {}).resume();
    const ended = new Promise((resolve) => socket.on("close", resolve));
    socket.end(bytes);
    await within(ended, `an end to ${bytes.subarray(0, 20)}`);
  })));
});
