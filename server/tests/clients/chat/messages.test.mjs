// What is said: once, in one order for all, changed only by its author, found again in history.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../wire/deadline.mjs";
import { n, unique } from "./person.mjs";
import { guest, member } from "./place.mjs";

async function two() {
  const room = unique("room");
  const [ada, bob] = [await guest("Ada"), await guest("Bob")];
  await ada.join(room);
  await bob.join(room);
  return { room, ada, bob };
}

test("a message reaches everybody alike, its author too, with the position that was acknowledged", async () => {
  const { room, ada, bob } = await two();
  const before = Date.now();
  const answer = await ada.does("send", { room, id: "first", text: "hello" });
  assert.deepEqual(Object.keys(answer).sort(), ["at", "duplicate", "ok", "position", "replicated"]);
  assert.equal(answer.duplicate, false);
  assert.equal(typeof answer.replicated, "boolean");
  assert.ok(Math.abs(answer.at - before) < 60_000);
  const [entry] = await bob.entries(room, 1);
  assert.deepEqual(entry, { room, position: answer.position, at: answer.at, id: "first", from: ada.user, kind: "message", text: "hello" });
  assert.deepEqual(await ada.entries(room, 1), [entry]);
  const told = bob.told.find((one) => one.event === "message");
  assert.equal(typeof told.offset, "string");
});

test("an id sent again is acknowledged with its first position and not told again", async () => {
  const { room, ada, bob } = await two();
  const first = await ada.does("send", { room, id: "same", text: "once" });
  const again = await ada.does("send", { room, id: "same", text: "once" });
  assert.deepEqual([again.position, again.at, again.duplicate], [first.position, first.at, true]);
  await ada.say(room, "end");
  await until(() => bob.texts(room).at(-1) === "end", "the end");
  assert.deepEqual(bob.texts(room), ["once", "end"]);
});

test("an id belongs to its author", async () => {
  const { room, ada, bob } = await two();
  await ada.does("send", { room, id: "same", text: "ada's" });
  assert.equal((await bob.does("send", { room, id: "same", text: "bob's" })).duplicate, false);
  await ada.entries(room, 2);
  assert.deepEqual(ada.texts(room), ["ada's", "bob's"]);
});

test("an id sent again over another connection of its author is the same", async () => {
  const room = unique("room");
  const sub = unique("user");
  const [phone, laptop] = [await member(sub), await member(sub)];
  await phone.join(room);
  await laptop.join(room);
  const first = await phone.does("send", { room, id: "same", text: "x" });
  assert.deepEqual(await laptop.does("send", { room, id: "same", text: "x" }), { ...first, duplicate: true });
});

const KINDS = {
  "text beyond ASCII": { text: "€ 🎉 \u0000 \u2028 שלום e\u0301" },
  "a reply": { text: "yes", reply_to: "FIRST" },
  "data beside text": { text: "x", data: { list: [1, 2.5, null, { deep: true }], "__proto__x": "y" } },
  "an application's own kind": { kind: "custom.poll", data: { options: ["a", "b"] } },
  "data that is no object": { kind: "custom.number", data: 5 },
};

for (const [name, fields] of Object.entries(KINDS)) {
  test(`${name} arrives as it was sent`, async () => {
    const { room, ada, bob } = await two();
    const first = await ada.say(room, "first");
    const sent = fields.reply_to ? { ...fields, reply_to: first.position } : fields;
    await ada.does("send", { room, id: "1", ...sent });
    const [, entry] = await bob.entries(room, 2);
    assert.deepEqual(entry, { room, position: entry.position, at: entry.at, id: "1", from: ada.user, kind: "message", ...sent });
  });
}

test("edit, react and delete are entries that name another", async () => {
  const { room, ada, bob } = await two();
  const { position: of } = await ada.say(room, "helo");
  await ada.does("edit", { room, id: "e", of, text: "hello" });
  await bob.does("react", { room, id: "r1", of, emoji: "👍" });
  await bob.does("react", { room, id: "r2", of, emoji: "👍", remove: true });
  await ada.does("delete", { room, id: "d", of });
  const entries = await bob.entries(room, 5);
  const rest = entries.slice(1).map(({ room: _room, position: _position, at: _at, ...entry }) => entry);
  assert.deepEqual(rest, [
    { id: "e", from: ada.user, kind: "edit", of, text: "hello" },
    { id: "r1", from: bob.user, kind: "react", of, emoji: "👍" },
    { id: "r2", from: bob.user, kind: "react", of, emoji: "👍", remove: true },
    { id: "d", from: ada.user, kind: "delete", of },
  ]);
  assert.deepEqual(entries.map((entry) => n(entry.position)), [1, 2, 3, 4, 5]);
});

test("only one's own entries can be edited and deleted", async () => {
  const { room, ada, bob } = await two();
  const { position: of } = await ada.say(room, "mine");
  await bob.refused("forbidden", "edit", { room, id: "1", of, text: "yours" });
  await bob.refused("forbidden", "delete", { room, id: "2", of });
});

test("what refers to an entry that is not there is not found", async () => {
  const { room, ada } = await two();
  const { position } = await ada.say(room, "x");
  const of = position.replace(/-.*/, "-999");
  await ada.refused("not_found", "edit", { room, id: "1", of, text: "y" });
  await ada.refused("not_found", "delete", { room, id: "2", of });
  await ada.refused("not_found", "react", { room, id: "3", of, emoji: "👍" });
});

test("only members may talk, and only in rooms that are there", async () => {
  const { room, ada } = await two();
  const { position } = await ada.say(room, "x");
  const stranger = await guest("Stranger");
  const events = {
    send: { id: "1", text: "x" },
    edit: { id: "2", of: position, text: "x" },
    delete: { id: "3", of: position },
    react: { id: "4", of: position, emoji: "👍" },
    typing: { typing: true },
    read: { position },
  };
  for (const [event, fields] of Object.entries(events)) {
    await stranger.refused("forbidden", event, { room, ...fields });
    await stranger.refused(["not_found", "forbidden"], event, { room: unique("nowhere"), ...fields });
  }
  await stranger.refused("not_found", "history", { room: unique("nowhere") });
});

test("everybody sees one order, without gaps, whoever talks at once", async () => {
  const room = unique("room");
  const people = await Promise.all(["A", "B", "C", "D", "E"].map((name, i) => guest(name, { transports: [i % 2 ? "polling" : "websocket"] })));
  for (const person of people) await person.join(room);
  const said = await Promise.all(people.flatMap((person, who) => Array.from({ length: 60 }, (_, i) => person.say(room, `${who}-${i}`))));
  const seen = await Promise.all(people.map((person) => person.entries(room, 300)));
  assert.deepEqual(seen[0].map((entry) => n(entry.position)), Array.from({ length: 300 }, (_, i) => i + 1));
  for (const one of seen) assert.deepEqual(one, seen[0]);
  assert.deepEqual(said.map((answer) => answer.position).sort(), seen[0].map((entry) => entry.position).sort());
  for (let who = 0; who < people.length; who++) {
    const own = people[who].texts(room).filter((text) => text.startsWith(`${who}-`));
    assert.deepEqual(own, Array.from({ length: 60 }, (_, i) => `${who}-${i}`), "each in the order in which it was said");
  }
});

test("history holds the same entries, page by page, from either end", async () => {
  const { room, ada, bob } = await two();
  for (let i = 1; i <= 25; i++) await ada.say(room, String(i));
  const all = await bob.entries(room, 25);
  const newest = await bob.does("history", { room, limit: 10 });
  assert.deepEqual([newest.entries, newest.more], [all.slice(15), true]);
  const before = await bob.does("history", { room, limit: 10, before: newest.entries[0].position });
  assert.deepEqual([before.entries, before.more], [all.slice(5, 15), true]);
  const oldest = await bob.does("history", { room, limit: 10, before: before.entries[0].position });
  assert.deepEqual([oldest.entries, oldest.more], [all.slice(0, 5), false]);
  const forward = await bob.does("history", { room, after: "0-0", limit: 10 });
  assert.deepEqual([forward.entries, forward.more], [all.slice(0, 10), true]);
  const end = await bob.does("history", { room, after: all[19].position, limit: 10 });
  assert.deepEqual([end.entries, end.more], [all.slice(20), false]);
  assert.deepEqual((await bob.does("history", { room, after: all[24].position })).entries, []);
});

test("bounds: the largest is taken, one more is refused as documented", async () => {
  const { room, ada } = await two();
  const { text_bytes: text, data_bytes: data, id_chars: id, room_bytes: name, title_chars: title } = ada.limits;
  await ada.does("send", { room, id: "t", text: "x".repeat(text) });
  await ada.refused("too_large", "send", { room, id: "t1", text: "x".repeat(text + 1) });
  await ada.refused("too_large", "send", { room, id: "t2", text: "ü".repeat(text / 2 + 1) });
  await ada.does("send", { room, id: "d", text: "", data: "x".repeat(data - 2) });
  await ada.refused("too_large", "send", { room, id: "d1", text: "", data: "x".repeat(data - 1) });
  await ada.does("send", { room, id: "i".repeat(id), text: "x" });
  await ada.refused(["too_large", "invalid"], "send", { room, id: "i".repeat(id + 1), text: "x" });
  await ada.refused("invalid", "send", { room, id: "", text: "x" });
  await ada.join("r".repeat(name));
  await ada.refused("too_large", "join", { room: "r".repeat(name + 1) });
  await ada.refused("too_large", "join", { room: "ü".repeat(name / 2 + 1) });
  await ada.does("create", { room: unique("t"), title: "ü".repeat(title) });
  await ada.refused("too_large", "create", { room: unique("t"), title: "x".repeat(title + 1) });
  await ada.refused(["too_large", "invalid"], "react", { room, id: "r", of: "1-1", emoji: "👍".repeat(200) });
});

test("a page of history is never larger than the limit says", async () => {
  const { room, ada } = await two();
  for (let i = 0; i < 5; i++) await ada.say(room, "x");
  const answer = await ada.ask("history", { room, limit: ada.limits.history_page + 1 });
  if (answer.ok) assert.ok(answer.entries.length <= ada.limits.history_page);
  else assert.ok(["invalid", "too_large"].includes(answer.error.code));
});

test("who talks too fast is told for how long to wait, and then may go on", async () => {
  const { room, ada, bob } = await two();
  const burst = ada.limits.send_burst;
  const answers = await Promise.all(Array.from({ length: burst + 40 }, (_, i) => ada.ask("send", { room, id: `b${i}`, text: String(i) })));
  assert.ok(answers.slice(0, burst).every((answer) => answer.ok), "the burst is taken");
  const refused = answers.filter((answer) => !answer.ok);
  assert.ok(refused.length > 0, "the rest is not");
  for (const { error } of refused) {
    assert.equal(error.code, "rate_limited");
    assert.ok(Number.isInteger(error.retry_after_ms) && error.retry_after_ms > 0 && error.retry_after_ms < 60_000, JSON.stringify(error));
  }
  await bob.say(room, "others are not held up");
  // Of a burst, what was free again in time may have gone to a later one: who asks alone is told the truth.
  const later = { room, id: "later", text: "later" };
  const alone = await ada.ask("send", later);
  if (!alone.ok) {
    await new Promise((resolve) => setTimeout(resolve, alone.error.retry_after_ms));
    await ada.does("send", later);
  }
  await until(() => bob.texts(room).at(-1) === "later", "the last");
  assert.equal(bob.texts(room).length, answers.length - refused.length + 2, "what was refused was not said");
});
