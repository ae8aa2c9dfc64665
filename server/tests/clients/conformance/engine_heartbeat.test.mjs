// Engine.IO: pings on time, and an end to sessions that do not answer them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pause } from "../wire/deadline.mjs";
import { PollingSession } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { ENGINE, PING_INTERVAL_MS, PING_TIMEOUT_MS, URL_TIGHT as URL } from "./expect.mjs";

const ROUNDS = 3;
/** Timers may fire early by rounding. */
const EARLY_MS = 20;
const LATE_MS = 50;

test("polling: pings come at the interval as long as they are answered", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  for (let round = 0; round < ROUNDS; round++) {
    const asked = performance.now();
    assert.equal((await session.get()).text, "2");
    if (round > 0) assert.ok(performance.now() - asked > PING_INTERVAL_MS / 2, "pings do not come in a heap");
    await session.send("3");
  }
});

test("WebSocket: pings come at the interval as long as they are answered", async () => {
  const wire = await Wire.open(URL, ENGINE);
  const started = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    assert.equal(await wire.next(), "2");
    wire.send("3");
  }
  assert.ok(performance.now() - started > ROUNDS * (PING_INTERVAL_MS - EARLY_MS));
  wire.end();
});

test("polling: a session that answers no ping is unknown after interval and timeout", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  await pause(PING_INTERVAL_MS + PING_TIMEOUT_MS + LATE_MS);
  assert.equal((await session.get()).status, 400);
});

test("WebSocket: a session that answers no ping is closed after interval and timeout, not before", async () => {
  const started = performance.now();
  const wire = await Wire.open(URL, ENGINE);
  await wire.closed();
  const lasted = performance.now() - started;
  assert.ok(lasted >= PING_INTERVAL_MS + PING_TIMEOUT_MS - EARLY_MS, `closed after ${lasted} ms`);
});

test("WebSocket: messages are no answer to a ping", async () => {
  const wire = await Wire.open(URL, ENGINE);
  const talk = setInterval(() => wire.send("4still here"), 50);
  await wire.closed().finally(() => clearInterval(talk));
});
