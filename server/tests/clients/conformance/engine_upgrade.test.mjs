// Engine.IO: the upgrade from polling to WebSocket.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until, within } from "../wire/deadline.mjs";
import { PollingSession } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { ENGINE, URL_TIGHT as URL, stricter } from "./expect.mjs";

async function probed() {
  const session = await PollingSession.open(URL, ENGINE);
  const wire = new Wire(Wire.url(URL, ENGINE, session.sid), { heartbeat: true });
  await within(wire.opened, "the WebSocket to open");
  wire.send("2probe");
  assert.equal(await wire.next(), "3probe");
  return { session, wire };
}

async function upgraded() {
  const { session, wire } = await probed();
  const waiting = await session.get();
  assert.deepEqual([waiting.status, waiting.text], [200, "6"], "the GET is ended by a noop");
  wire.send("5");
  return { session, wire };
}

test("the probe is answered, the GET that waits ends with a noop, messages then go over the WebSocket", async () => {
  const { session, wire } = await upgraded();
  wire.send("4hello");
  assert.equal(await wire.next(), "4hello");
  wire.end();
  assert.ok(session.sid);
});

test("a GET that waited before the probe is ended by it", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const waiting = session.get();
  const wire = new Wire(Wire.url(URL, ENGINE, session.sid), { heartbeat: true });
  await within(wire.opened, "the WebSocket to open");
  wire.send("2probe");
  assert.equal(await wire.next(), "3probe");
  assert.equal((await waiting).text, "6");
  wire.send("5", "4over");
  assert.equal(await wire.next(), "4over");
  wire.end();
});

test("a message posted during the upgrade is answered, once, and in order with those after it", async () => {
  const { session, wire } = await probed();
  await session.send("4posted");
  const polled = (await session.get()).text.split("\x1e").filter((packet) => packet !== "6");
  wire.send("5", "4after");
  const expected = ["4posted", "4after"];
  const rest = await wire.take(expected.length - polled.length);
  assert.deepEqual([...polled, ...rest], expected);
  wire.end();
});

for (const when of ["before", "after"]) {
  test(`a POST ${when} the probe whose answers fill the outbox is answered without another GET`, async () => {
    // A client about to move polls no more, and waits for each of its POSTs before it sends the upgrade packet.
    const session = await PollingSession.open(URL, ENGINE);
    const wire = new Wire(Wire.url(URL, ENGINE, session.sid), { heartbeat: true });
    await within(wire.opened, "the WebSocket to open");
    const messages = ["4" + "x".repeat(300_000), "4€ 🎉", "4" + "y".repeat(100_000), "4end"];
    const early = when === "before" ? session.send(...messages) : undefined;
    wire.send("2probe");
    assert.equal(await wire.next(), "3probe");
    await (early ?? session.send(...messages));
    wire.send("5", "4after");
    assert.deepEqual(await wire.take(5), [...messages, "4after"]);
    wire.end();
  });
}

test("nothing but the answer to the probe goes over the WebSocket before the upgrade packet", async () => {
  const { session, wire } = await probed();
  await session.send("4early");
  const polled = (await session.get()).text;
  assert.deepEqual(wire.arrived, []);
  wire.send("5");
  assert.ok(polled === "4early" || (await wire.next()) === "4early", "it is not lost either");
  wire.end();
});

test("messages in one TCP segment with the upgrade packet are not lost", async () => {
  const { session, wire } = await probed();
  assert.equal((await session.get()).text, "6");
  wire.together("5", "4one", "4two");
  assert.deepEqual(await wire.take(2), ["4one", "4two"]);
});

test("after the upgrade a GET is answered 400, and the WebSocket goes on", async () => {
  const { session, wire } = await upgraded();
  wire.send("4hello");
  assert.equal(await wire.next(), "4hello");
  assert.equal((await session.get()).status, 400);
  wire.send("4still");
  assert.equal(await wire.next(), "4still");
  wire.end();
});

test("after the upgrade a second WebSocket for the session is closed, and the first goes on", async () => {
  const { session, wire } = await upgraded();
  wire.send("4hello");
  assert.equal(await wire.next(), "4hello");
  const second = new Wire(Wire.url(URL, ENGINE, session.sid));
  await second.closed();
  wire.send("4still");
  assert.equal(await wire.next(), "4still");
  wire.end();
});

stricter("a second WebSocket for a session that began on WebSocket is closed", "it could take the session over", async () => {
  const wire = await Wire.open(URL, ENGINE, { heartbeat: true });
  const second = new Wire(Wire.url(URL, ENGINE, wire.handshake.sid));
  await second.closed();
  wire.send("4still");
  assert.equal(await wire.next(), "4still");
  wire.end();
});

test("an upgrade that begins with anything but the probe is closed, and polling goes on", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const wire = new Wire(Wire.url(URL, ENGINE, session.sid));
  await within(wire.opened, "the WebSocket to open");
  wire.send("4hello");
  await wire.closed();
  await session.send("4polled");
  assert.deepEqual(await session.receive(1), ["4polled"]);
});

test("a WebSocket that is dropped after the probe leaves polling as it was", async () => {
  const { session, wire } = await probed();
  wire.end();
  await session.send("4polled");
  const packets = [];
  await until(async () => {
    packets.push(...(await session.receive(1)));
    return packets.some((packet) => packet !== "6");
  }, "the message");
  assert.deepEqual(packets.filter((packet) => packet !== "6"), ["4polled"]);
});
