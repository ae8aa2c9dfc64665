// Engine.IO: how a session is opened, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PollingSession, request } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { ENGINE, MAX_PAYLOAD_BYTES, PING_INTERVAL_MS, PING_TIMEOUT_MS, SOCKET, URL_TIGHT as URL, stricter } from "./expect.mjs";

const KEYS = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];

function checkHandshake(handshake, upgrades) {
  assert.deepEqual(Object.keys(handshake).sort(), KEYS);
  assert.equal(typeof handshake.sid, "string");
  assert.notEqual(handshake.sid, "");
  assert.deepEqual(handshake.upgrades, upgrades);
  assert.equal(handshake.pingInterval, PING_INTERVAL_MS);
  assert.equal(handshake.pingTimeout, PING_TIMEOUT_MS);
  assert.equal(handshake.maxPayload, MAX_PAYLOAD_BYTES);
}

for (const path of [ENGINE, SOCKET]) {
  test(`polling on ${path} opens with exactly the five fields and offers the upgrade`, async () => {
    const session = await PollingSession.open(URL, path);
    checkHandshake(session.handshake, ["websocket"]);
    assert.match(session.response.headers.get("content-type"), /^text\/plain; *charset=utf-8$/i);
  });

  test(`WebSocket on ${path} opens with exactly the five fields and offers nothing`, async () => {
    const wire = await Wire.open(URL, path);
    checkHandshake(wire.handshake, []);
    wire.end();
  });
}

test("each session has an id of its own", async () => {
  const sids = await Promise.all(Array.from({ length: 50 }, async () => (await PollingSession.open(URL, ENGINE)).sid));
  assert.equal(new Set(sids).size, sids.length);
});

const REFUSED_QUERIES = {
  "no query": "",
  "no EIO": "?transport=polling",
  "EIO that is no number": "?EIO=abc&transport=polling",
  "EIO of another protocol": "?EIO=5&transport=polling",
  "EIO of the old protocol": "?EIO=3&transport=polling",
  "no transport": "?EIO=4",
  "an unknown transport": "?EIO=4&transport=abc",
  "a transport of Object.prototype": "?EIO=4&transport=constructor",
  "an unknown sid": "?EIO=4&transport=polling&sid=abc",
  "an empty transport": "?EIO=4&transport=",
};

for (const [name, query] of Object.entries(REFUSED_QUERIES)) {
  test(`GET with ${name} is answered 400`, async () => {
    assert.equal((await request(`${URL}${ENGINE}${query}`)).status, 400);
  });
}

for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
  test(`${method} cannot open a session: 400`, async () => {
    assert.equal((await request(`${URL}${ENGINE}?EIO=4&transport=polling`, { method })).status, 400);
  });
}

for (const method of ["PUT", "DELETE"]) {
  stricter(`${method} on a session is answered 400`, "a client's mistake is not a server's error, which pages people", async () => {
    const session = await PollingSession.open(URL, ENGINE);
    assert.equal((await request(session.url(), { method, body: "4x" })).status, 400);
  });
}

const REFUSED_UPGRADES = {
  "no query": "",
  "no EIO": "?transport=websocket",
  "EIO that is no number": "?EIO=abc&transport=websocket",
  "EIO of another protocol": "?EIO=5&transport=websocket",
  "no transport": "?EIO=4",
  "an unknown transport": "?EIO=4&transport=abc",
  "an unknown sid": "?EIO=4&transport=websocket&sid=abc",
  "transport=polling": "?EIO=4&transport=polling",
};

for (const [name, query] of Object.entries(REFUSED_UPGRADES)) {
  test(`a WebSocket with ${name} is refused or closed`, async () => {
    const wire = new Wire(`${URL.replace(/^http/, "ws")}${ENGINE}${query}`);
    await wire.closed();
    assert.deepEqual(wire.arrived, [], "nothing is told to it");
  });
}

test("refusals say why in the words that stock clients show", async () => {
  const reason = async (query, options) => JSON.parse((await request(`${URL}${ENGINE}${query}`, options)).text);
  assert.deepEqual(await reason("?EIO=4&transport=abc"), { code: 0, message: "Transport unknown" });
  assert.deepEqual(await reason("?EIO=4&transport=polling&sid=abc"), { code: 1, message: "Session ID unknown" });
  assert.deepEqual(await reason("?EIO=4&transport=polling", { method: "POST" }), { code: 2, message: "Bad handshake method" });
  assert.deepEqual(await reason("?EIO=4&transport=websocket"), { code: 3, message: "Bad request" });
  assert.deepEqual(await reason("?EIO=3&transport=polling"), { code: 5, message: "Unsupported protocol version" });
});

test("a page of another origin may read the answers and may ask first", async () => {
  const origin = "http://elsewhere.example";
  const open = await request(`${URL}${ENGINE}?EIO=4&transport=polling`, { headers: { origin } });
  assert.ok(["*", origin].includes(open.headers.get("access-control-allow-origin")));
  const preflight = await request(`${URL}${ENGINE}?EIO=4&transport=polling`, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
  });
  assert.ok([200, 204].includes(preflight.status), String(preflight.status));
  assert.match(preflight.headers.get("access-control-allow-methods"), /POST/);
});

test("answers are not stored by caches", async () => {
  const open = await PollingSession.open(URL, ENGINE);
  assert.match(open.response.headers.get("cache-control"), /no-store/);
});
