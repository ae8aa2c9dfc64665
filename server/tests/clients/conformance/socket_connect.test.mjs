// Socket.IO: namespaces are joined, refused and left.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pause } from "../wire/deadline.mjs";
import { PollingSession } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { SOCKET, URL_TIGHT as URL } from "./expect.mjs";

const open = () => Wire.open(URL, SOCKET, { heartbeat: true });

/** Long enough that a reply would have come, and shorter than the time in which a client must connect. */
const SILENCE_MS = 150;

/** Reads a connect reply and the `auth` event that the application sends after it. */
async function connected(wire, namespace, auth) {
  const prefix = namespace === "/" ? "" : `${namespace},`;
  const reply = await wire.next();
  assert.ok(reply.startsWith(`40${prefix}{`), reply);
  const body = JSON.parse(reply.slice(2 + prefix.length));
  assert.deepEqual(Object.keys(body), ["sid"], "a pid only with recovery on");
  assert.equal(typeof body.sid, "string");
  const event = await wire.next();
  assert.equal(event.slice(0, 2 + prefix.length), `42${prefix}`);
  assert.deepEqual(JSON.parse(event.slice(2 + prefix.length)), ["auth", auth]);
  return body.sid;
}

const CONNECTS = {
  "40": ["/", {}],
  '40{"token":"123"}': ["/", { token: "123" }],
  "40/custom": ["/custom", {}],
  "40/custom,": ["/custom", {}],
  '40/custom,{"token":"abc","nested":{"list":[1,null,"ü"]}}': ["/custom", { token: "abc", nested: { list: [1, null, "ü"] } }],
};

for (const [packet, [namespace, auth]] of Object.entries(CONNECTS)) {
  test(`WebSocket: ${packet} connects to ${namespace}`, async () => {
    const wire = await open();
    wire.send(packet);
    await connected(wire, namespace, auth);
  });
}

test("polling: 40 connects, and the reply is in the first payload", async () => {
  const session = await PollingSession.open(URL, SOCKET);
  await session.send('40{"token":"123"}');
  const [reply, event] = await session.receive(2);
  assert.match(reply, /^40\{"sid":"[^"]+"\}$/);
  assert.equal(event, '42["auth",{"token":"123"}]');
});

test("the Socket.IO id is not the Engine.IO id, which is a secret of the transport", async () => {
  const wire = await open();
  wire.send("40");
  assert.notEqual(await connected(wire, "/", {}), wire.handshake.sid);
});

test("several namespaces share one connection, each with an id of its own", async () => {
  const wire = await open();
  wire.send("40");
  const main = await connected(wire, "/", {});
  wire.send("40/custom,");
  const custom = await connected(wire, "/custom", {});
  assert.notEqual(main, custom);
  wire.send('42["message","a"]', '42/custom,["message","b"]');
  assert.deepEqual((await wire.take(2)).sort(), ['42/custom,["message-back","b"]', '42["message-back","a"]'].sort());
});

test("an unknown namespace is refused with its reason, and the connection goes on", async () => {
  const wire = await open();
  wire.send("40/random");
  assert.equal(await wire.next(), '44/random,{"message":"Invalid namespace"}');
  wire.send("40");
  await connected(wire, "/", {});
});

test("41 gets no reply, and the other namespace stays usable", async () => {
  const wire = await open();
  wire.send("40");
  await connected(wire, "/", {});
  wire.send("40/custom");
  await connected(wire, "/custom", {});
  wire.send("41", '42/custom,["message","still"]');
  assert.equal(await wire.next(), '42/custom,["message-back","still"]');
});

test("41/custom gets no reply, and the main namespace stays usable", async () => {
  const wire = await open();
  wire.send("40");
  await connected(wire, "/", {});
  wire.send("40/custom");
  await connected(wire, "/custom", {});
  wire.send("41/custom", '42["message","still"]');
  assert.equal(await wire.next(), '42["message-back","still"]');
});

test("a namespace can be joined again after it was left", async () => {
  const wire = await open();
  wire.send("40/custom");
  const first = await connected(wire, "/custom", {});
  wire.send("41/custom,", "40");
  await connected(wire, "/", {}); // the stock server leaves a moment later: a connect in the same breath finds it still there
  wire.send("40/custom,");
  assert.notEqual(await connected(wire, "/custom", {}), first);
});

test("nothing is sent before the client connects", async () => {
  const wire = await open();
  await pause(SILENCE_MS);
  assert.deepEqual(wire.arrived, []);
});

test("a client that connects to no namespace in time is closed", async () => {
  const wire = await open();
  await wire.closed();
});

test("a client that was refused its only namespace is closed in time", async () => {
  const wire = await open();
  wire.send("40/random");
  assert.equal(await wire.next(), '44/random,{"message":"Invalid namespace"}');
  await wire.closed();
});
