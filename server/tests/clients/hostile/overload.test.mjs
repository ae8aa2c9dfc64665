// More than a server may take: refused so that stock clients come back later, and counted.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Person } from "../chat/person.mjs";
import { ChatServer } from "../target/chat.mjs";
import { until } from "../wire/deadline.mjs";
import { PollingSession, request } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";

const SOCKET = "/socket.io/";

afterEach(() => {
  Person.everybodyLeaves();
  Wire.endAll();
});

async function withServer(settings, body) {
  const server = await ChatServer.start(settings);
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

test("past its connections a server answers 503 with Retry-After, and takes new ones when old ones go", () =>
  withServer({ "max-connections": "3" }, async (server) => {
    const people = [];
    for (const name of ["A", "B", "C"]) people.push(await Person.connect(server.url, { name }));
    const refused = await request(`${server.url}${SOCKET}?EIO=4&transport=polling`);
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get("retry-after")) > 0, "Retry-After");
    await new Wire(Wire.url(server.url, SOCKET)).closed();
    const refusals = [...(await server.metrics())].filter(([name]) => name.includes("refused") && name.includes('"connections"'));
    assert.ok(refusals.some(([, value]) => value >= 2), JSON.stringify(refusals));
    const waiting = new Person(server.url, { name: "D" });
    await until(() => waiting.errors.length > 0, "a refusal");
    assert.equal(waiting.socket.active, true, "a stock client tries again by itself");
    people[0].socket.disconnect();
    await until(() => waiting.all("ready").length === 1, "the waiting one to be let in");
  }));

test("past its unauthenticated connections too, and those who are in go on", () =>
  withServer({ "max-unauthenticated": "5", "connect-timeout": "3s" }, async (server) => {
    const ada = await Person.connect(server.url, { name: "Ada" });
    for (let i = 0; i < 5; i++) await PollingSession.open(server.url, SOCKET);
    assert.equal((await request(`${server.url}${SOCKET}?EIO=4&transport=polling`)).status, 503);
    await ada.join("room");
    await ada.say("room", "on");
    const late = new Person(server.url, { name: "Late" });
    await until(() => late.all("ready").length === 1, "others to be let in once those have had their time");
  }));

test("connections from one address have a limit where one is set", () =>
  withServer({ "connections-per-address": "2" }, async (server) => {
    await Person.connect(server.url, { name: "A" });
    await Person.connect(server.url, { name: "B" });
    assert.ok([429, 503].includes((await request(`${server.url}${SOCKET}?EIO=4&transport=polling`)).status));
  }));
