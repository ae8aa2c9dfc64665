// Engine.IO: how sessions end, and requests that a session cannot serve.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../wire/deadline.mjs";
import { PollingSession, request } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { ENGINE, URL_TIGHT as URL, stricter } from "./expect.mjs";

test("polling: the client's close packet ends the GET that waits with a noop, then the session is unknown", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const [waiting] = await Promise.all([session.get(), request(session.url(), { method: "POST", body: "1" })]);
  assert.deepEqual([waiting.status, waiting.text], [200, "6"]);
  assert.equal((await session.get()).status, 400);
  assert.equal((await session.post("4x")).status, 400);
});

test("WebSocket: the client's close packet closes it", async () => {
  const wire = await Wire.open(URL, ENGINE);
  wire.send("1");
  await wire.closed();
});

test("polling: of two GETs at once the first gets the close packet, the second 400", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const first = session.get();
  await arrived(session);
  const second = await session.get();
  assert.equal(second.status, 400);
  const { status, text } = await first;
  assert.deepEqual([status, text], [200, "1"]);
  assert.equal((await session.get()).status, 400, "and the session is gone");
});

test("polling: a GET that the client takes back ends the session", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  const taken = new AbortController();
  const waiting = session.get({ signal: taken.signal }).catch((error) => error.name);
  await arrived(session);
  taken.abort();
  assert.equal(await waiting, "AbortError");
  await until(async () => (await session.post("4x")).status === 400, "the session to be unknown");
});

stricter("polling: a GET repeated with the same t never takes the next payload", "proxies repeat a GET whose answer was lost", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  await session.send("4first");
  const get = () => request(session.url("&t=a"));
  const first = await get();
  assert.deepEqual([first.status, first.text], [200, "4first"]);
  assert.equal((await request(session.url("&t=b"), { method: "POST", body: "4second" })).text, "ok");
  const again = await get();
  if (again.status === 200) assert.equal(again.text, "4first", "the same payload again");
  else assert.equal(again.status, 400);
});

stricter("polling: a POST repeated with the same t is answered ok and not handled again", "proxies repeat requests", async () => {
  const session = await PollingSession.open(URL, ENGINE);
  for (let copy = 0; copy < 2; copy++) {
    const { status, text } = await request(session.url("&t=p1"), { method: "POST", body: "4once" });
    assert.deepEqual([status, text], [200, "ok"]);
  }
  assert.equal((await request(session.url("&t=p2"), { method: "POST", body: "4end" })).text, "ok");
  assert.deepEqual(await session.receive(2), ["4once", "4end"]);
});

/** Until a request sent before has surely reached the server: another session on another connection has made a full turn. */
async function arrived(session) {
  for (let turn = 0; turn < 3; turn++) await PollingSession.open(session.base, session.path);
}
