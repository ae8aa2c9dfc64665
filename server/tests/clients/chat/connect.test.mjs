// Who is let in, as whom, and what they are told first.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChatServer } from "../target/chat.mjs";
import { until } from "../wire/deadline.mjs";
import { Person, unique } from "./person.mjs";
import { JWT_SECRET, URL, guest, member } from "./place.mjs";
import { claims, token } from "./token.mjs";

const LIMITS = [
  "text_bytes", "data_bytes", "id_chars", "name_chars", "room_bytes", "title_chars", "rooms", "history_page",
  "send_burst", "send_per_second", "dedup_seconds", "retained_entries", "retained_seconds", "max_payload",
];

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  test(`a guest by ${transports.join(" and ")} is told who they are, what may be done, and a token to come back with`, async () => {
    const ada = await guest("Ada", { transports });
    const [{ args, offset }] = ada.told.filter((one) => one.event === "ready");
    assert.equal(args.length, 1);
    assert.equal(typeof offset, "string");
    const [ready] = args;
    assert.equal(ready.user.name, "Ada");
    assert.equal(typeof ready.user.id, "string");
    assert.equal(typeof ready.token, "string");
    assert.equal(typeof ready.node, "string");
    assert.equal(ready.recovered, false);
    assert.deepEqual(ready.rooms, []);
    assert.deepEqual(Object.keys(ready.limits).sort(), LIMITS.toSorted());
    for (const [name, limit] of Object.entries(ready.limits)) assert.ok(Number.isInteger(limit) && limit > 0, `${name} ${limit}`);
    assert.equal(ada.told[0].event, "ready", "before anything else");
  });
}

test("two guests of one name are two people", async () => {
  const [one, two] = [await guest("Ada"), await guest("Ada")];
  assert.notEqual(one.user.id, two.user.id);
});

test("a guest who presents the token is the same person", async () => {
  const ada = await guest("Ada");
  const { token: handed } = ada.all("ready")[0];
  const again = await Person.connect(URL, { token: handed });
  assert.deepEqual(again.user, ada.user);
});

test("a user of the application is who their token says", async () => {
  const bob = await member("user-7", "Bob");
  assert.deepEqual(bob.user, { id: "user-7", name: "Bob" });
});

const past = Math.floor(Date.now() / 1000) - 3600;
const good = claims("user-7", "Bob");
const REFUSED = {
  "no auth at all": {},
  "an expired token": { token: token({ ...good, exp: past }, JWT_SECRET) },
  "a token without expiry": { token: token({ sub: "user-7", name: "Bob" }, JWT_SECRET) },
  "a token of another secret": { token: token(good, "some other secret that is as long as ours is") },
  "a token that is not signed": { token: token(good, JWT_SECRET, { alg: "none" }) },
  "a token of another algorithm": { token: token(good, JWT_SECRET, { alg: "HS512" }) },
  "a token without subject": { token: token({ name: "Bob", exp: good.exp }, JWT_SECRET) },
  "a token whose subject is no text": { token: token({ ...good, sub: 7 }, JWT_SECRET) },
  "a token with its claims exchanged": { token: token(good, JWT_SECRET).replace(/\.[^.]*\./, `.${Buffer.from(JSON.stringify({ ...good, sub: "admin" })).toString("base64url")}.`) },
  "a token of three dots": { token: "..." },
  "an empty token": { token: "" },
  "a token that is a number": { token: 5 },
  "a token that is an object": { token: { sub: "user-7" } },
  "a token of 20,000 characters": { token: "x".repeat(20_000) },
  "a name that is a number": { name: 5 },
  "a name that is null": { name: null },
  "an empty name": { name: "" },
  "a name of spaces": { name: "   " },
  "a name of 65 characters": { name: "x".repeat(65) },
};

for (const [name, auth] of Object.entries(REFUSED)) {
  test(`${name} is refused, and a stock client does not try again`, async () => {
    const nobody = new Person(URL, auth);
    const code = await nobody.refusal();
    assert.ok(["unauthenticated", "invalid", "too_large"].includes(code), `code ${code}`);
    assert.equal(nobody.socket.active, false);
  });
}

test("a guest token that somebody changed is refused", async () => {
  const { token: handed } = (await guest("Ada")).all("ready")[0];
  const middle = Math.floor(handed.length / 2);
  const forged = handed.slice(0, middle) + (handed[middle] === "A" ? "B" : "A") + handed.slice(middle + 1);
  assert.equal(await new Person(URL, { token: forged }).refusal(), "unauthenticated");
});

test("a refused client that connects again with a good token is let in", async () => {
  const somebody = new Person(URL, { token: "bad" });
  await somebody.refusal();
  somebody.socket.auth = { name: "Ada" };
  somebody.socket.connect();
  await until(() => somebody.all("ready").length === 1, "ready");
});

test("other namespaces are not there", async () => {
  const somebody = new Person(`${URL}/custom`, { name: "Ada" });
  await until(() => somebody.errors.length > 0, "a refusal");
  assert.equal(somebody.errors[0].message, "Invalid namespace");
});

test("without recovery there is no pid, and no event carries an offset", async () => {
  const ada = await Person.connect(URL, { name: "Ada", recovery: false });
  assert.equal(ada.socket._pid, undefined);
  const room = unique("room");
  await ada.join(room, { last: 10 });
  await ada.say(room, "x");
  await ada.entries(room, 1);
  for (const { event, args, offset } of ada.told) {
    assert.equal(args.length, 1, event);
    assert.equal(offset, undefined, event);
  }
});

for (const recovery of [null, "no", 0, {}]) {
  test(`recovery: ${JSON.stringify(recovery)} is refused or taken for the default`, async () => {
    const somebody = new Person(URL, { name: "Ada", recovery });
    await until(() => somebody.errors.length > 0 || somebody.all("ready").length > 0, "an answer");
    if (somebody.errors.length > 0) assert.equal(somebody.errors[0].data.code, "invalid");
    else assert.notEqual(somebody.socket._pid, undefined);
  });
}

describe("with guests off", () => {
  test("a name is refused, a token is not", async () => {
    const server = await ChatServer.start({ guests: "false" });
    try {
      const refusal = await new Person(server.url, { name: "Ada" }).refusal();
      assert.ok(["unauthenticated", "forbidden"].includes(refusal), refusal);
      await Person.connect(server.url, { token: token(claims("user-7"), JWT_SECRET) });
    } finally {
      await server.stop();
    }
  });
});
