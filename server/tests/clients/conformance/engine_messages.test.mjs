// Engine.IO: messages both ways, on both transports, and the bounds of a payload.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PollingSession, SEPARATOR } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { ENGINE, MAX_PAYLOAD_BYTES, URL_TIGHT as URL, stricter } from "./expect.mjs";

const TEXTS = ["hello", "", "€ ütf 🎉", "4", "b", "line\nbreak\0null"];

test("polling: a post is answered ok, and its message comes back", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const { status, text, headers } = await session.post("4hello");
  assert.deepEqual([status, text], [200, "ok"]);
  assert.match(headers.get("content-type"), /^text\/html|^text\/plain/);
  assert.deepEqual(await session.receive(1), ["4hello"]);
});

test("polling: texts of all kinds come back as they were", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  for (const text of TEXTS) {
    await session.send(`4${text}`);
    assert.deepEqual(await session.receive(1), [`4${text}`]);
  }
});

test("polling: one payload holds several packets, both ways and in order", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const packets = Array.from({ length: 10 }, (_, i) => `4message ${i}`);
  await session.send(...packets);
  const { status, text } = await session.get();
  assert.equal(status, 200);
  assert.deepEqual(text.split(SEPARATOR), packets, "one answer takes all that waits");
});

stricter("polling: a payload holds at most 16 packets", "python-engineio takes no more, and drops the connection", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const packets = Array.from({ length: 100 }, (_, i) => `4message ${i}`);
  for (let i = 0; i < packets.length; i += 10) await session.send(...packets.slice(i, i + 10));
  const seen = [];
  while (seen.length < packets.length) {
    const payload = (await session.get()).text.split(SEPARATOR);
    assert.ok(payload.length <= 16, `${payload.length} packets`);
    if (payload.includes("2")) await session.send("3");
    seen.push(...payload.filter((packet) => packet !== "2"));
  }
  assert.deepEqual(seen, packets);
});

test("polling: binary travels as b and base64, also beside text", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const bytes = Buffer.from([0, 1, 2, 3, 0x1e, 0xff]);
  await session.send("4before", `b${bytes.toString("base64")}`, "4after");
  assert.deepEqual(await session.receive(3), ["4before", `b${bytes.toString("base64")}`, "4after"]);
});

test("polling: a GET that waits is answered as soon as there is something", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const waiting = session.get();
  await session.send("4now");
  assert.equal((await waiting).text, "4now");
});

test("WebSocket: texts of all kinds come back as they were", async () => {
  const wire = await Wire.open(URL, ENGINE, { heartbeat: true });
  for (const text of TEXTS) {
    wire.send(`4${text}`);
    assert.equal(await wire.next(), `4${text}`);
  }
  wire.end();
});

test("WebSocket: binary travels as it is", async () => {
  const wire = await Wire.open(URL, ENGINE, { heartbeat: true });
  const bytes = Buffer.from([0, 1, 2, 3, 0x1e, 0xff]);
  wire.send("4before", bytes, "4after", Buffer.alloc(0));
  assert.deepEqual(await wire.take(4), ["4before", bytes, "4after", Buffer.alloc(0)]);
  wire.end();
});

test("WebSocket: a thousand messages come back in order", async () => {
  const wire = await Wire.open(URL, ENGINE, { heartbeat: true });
  const messages = Array.from({ length: 1_000 }, (_, i) => `4${i}`);
  wire.send(...messages);
  assert.deepEqual(await wire.take(messages.length), messages);
  wire.end();
});

test("a polling payload of the limit is taken, one above it is answered 413 and ends the session", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const largest = `4${"x".repeat(MAX_PAYLOAD_BYTES - 1)}`;
  await session.send(largest);
  assert.equal((await session.receive(1))[0].length, largest.length);
  const refused = await session.post(`${largest}x`).catch(() => ({ status: "dropped" }));
  assert.ok([413, "dropped"].includes(refused.status), `status ${refused.status}`);
});

test("a WebSocket message of the limit is taken, one above it closes with 1009", async () => {
  const wire = await Wire.open(URL, ENGINE, { heartbeat: true });
  const largest = `4${"x".repeat(MAX_PAYLOAD_BYTES - 1)}`;
  wire.send(largest);
  assert.equal((await wire.next()).length, largest.length);
  wire.send(`${largest}x`);
  assert.equal(await wire.closed(), 1009);
});

const BAD_PAYLOADS = {
  "an unknown packet type": "abc",
  "an empty payload": "",
  "a packet between two separators that is empty": `4a${SEPARATOR}${SEPARATOR}4b`,
  "a type beyond the last": "7",
};

for (const [name, payload] of Object.entries(BAD_PAYLOADS)) {
  test(`polling: ${name} ends the session`, async () => {
    const session = await PollingSession.open(URL, ENGINE);
    const { status } = await session.post(payload);
    assert.ok([200, 400].includes(status), `status ${status}`);
    // What stood before the bad packet may still come, and the close packet; then the session is unknown.
    for (let gets = 0; gets < 3; gets++) {
      const answer = await session.get();
      if (answer.status === 400) return;
      assert.equal(answer.status, 200);
      assert.ok(answer.text.split(SEPARATOR).every((packet) => ["1", "6", "4a", "2"].includes(packet)), answer.text);
    }
    assert.fail("the session goes on");
  });
}

for (const [name, message] of Object.entries({ "an unknown packet type": "abc", "an empty message": "", "a type beyond the last": "7" })) {
  test(`WebSocket: ${name} ends the session`, async () => {
    const wire = await Wire.open(URL, ENGINE, { heartbeat: true });
    wire.send(message);
    await wire.closed();
  });
}
