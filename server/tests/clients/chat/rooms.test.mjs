// Rooms: joined from any place in their log, left, listed, created.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChatServer } from "../target/chat.mjs";
import { until } from "../wire/deadline.mjs";
import { Person, n, unique } from "./person.mjs";
import { guest } from "./place.mjs";

/** A room with these texts in it and somebody who said them. */
async function roomWith(...texts) {
  const room = unique("room");
  const author = await guest("Author");
  await author.join(room);
  const positions = [];
  for (const text of texts) positions.push((await author.say(room, text)).position);
  return { room, author, positions };
}

test("joining a name that nobody has created opens a public room, and says where one stands", async () => {
  const room = unique("room");
  const ada = await guest("Ada");
  const answer = await ada.join(room);
  assert.equal(answer.room.room, room);
  assert.equal(answer.room.visibility, "public");
  assert.equal(typeof answer.room.title, "string");
  assert.equal(answer.from, answer.tail);
  assert.equal(n(answer.from), 0);
  assert.equal(answer.online, 1);
  assert.deepEqual(answer.users, [ada.user]);
  assert.equal(answer.unread, 0);
  const [joined] = ada.told.filter((one) => one.event === "joined");
  assert.deepEqual(joined.args, [{ room, from: answer.from }]);
  assert.equal(typeof joined.offset, "string");
});

test("joined comes before the answer, the entries after it", async () => {
  const { room } = await roomWith("a", "b");
  const ada = await guest("Ada");
  const order = [];
  ada.socket.onAny((event) => order.push(event));
  await new Promise((resolve) => ada.socket.emit("join", { room, after: "0-0" }, () => resolve(order.push("answer"))));
  await ada.entries(room, 2);
  assert.deepEqual(order.filter((event) => event !== "presence"), ["joined", "answer", "message", "message"]);
});

const FROM = {
  "from now on": [() => ({}), []],
  "the last two": [() => ({ last: 2 }), ["c", "d"]],
  "the last of more than there are": [() => ({ last: 50 }), ["a", "b", "c", "d"]],
  "none of the last": [() => ({ last: 0 }), []],
  "from the start": [() => ({ after: "0-0" }), ["a", "b", "c", "d"]],
  "after the second": [(positions) => ({ after: positions[1] }), ["c", "d"]],
  "after the newest": [(positions) => ({ after: positions[3] }), []],
};

for (const [name, [more, expected]] of Object.entries(FROM)) {
  test(`joining ${name}: those entries, then live ones, each once and in order`, async () => {
    const { room, author, positions } = await roomWith("a", "b", "c", "d");
    const ada = await guest("Ada");
    const { from, tail } = await ada.join(room, more(positions));
    assert.equal(tail, positions[3]);
    assert.equal(n(from), 4 - expected.length);
    await author.say(room, "live");
    await ada.entries(room, expected.length + 1);
    assert.deepEqual(ada.texts(room), [...expected, "live"]);
    assert.deepEqual(ada.all("message", room).map((entry) => n(entry.position)), Array.from({ length: expected.length + 1 }, (_, i) => n(from) + 1 + i));
  });
}

test("history of several pages on joining comes whole and in order, with others talking meanwhile", async () => {
  const room = unique("room");
  const authors = await Promise.all(["A", "B", "C", "D"].map((name) => guest(name)));
  for (const author of authors) await author.join(room);
  const talk = (from, to) => Promise.all(authors.map(async (author, which) => {
    for (let i = from; i < to; i++) await author.say(room, `${which}-${i}`);
  }));
  await talk(0, 60);
  const ada = await guest("Ada");
  const [live] = [talk(60, 80)];
  await ada.join(room, { after: "0-0" });
  await live;
  const entries = await ada.entries(room, 320);
  assert.deepEqual(entries.map((entry) => n(entry.position)), Array.from({ length: 320 }, (_, i) => i + 1));
  const other = await authors[0].entries(room, 320);
  assert.deepEqual(entries, other, "the same for everybody");
});

test("a member who joins again without a place stays where they are", async () => {
  const { room, author } = await roomWith("a");
  await author.entries(room, 1);
  const answer = await author.join(room);
  assert.equal(n(answer.from), 1);
  await author.say(room, "b");
  await author.entries(room, 2);
  assert.deepEqual(author.texts(room), ["a", "b"]);
});

test("a member who joins again from a place begins a new stay there", async () => {
  const { room, author } = await roomWith("a", "b");
  await author.entries(room, 2);
  assert.equal((await author.join(room, { after: "0-0" })).from, "0-0");
  await author.entries(room, 4);
  assert.deepEqual(author.texts(room), ["a", "b", "a", "b"]);
});

test("after leaving nothing more is told, and one may not talk", async () => {
  const { room, author } = await roomWith("a");
  const ada = await guest("Ada");
  await ada.join(room, { last: 1 });
  await ada.entries(room, 1);
  await ada.does("leave", { room });
  await author.say(room, "unheard");
  await author.entries(room, 2);
  await ada.refused("forbidden", "send", { room, id: "1", text: "x" });
  const elsewhere = unique("room");
  await ada.join(elsewhere);
  await ada.say(elsewhere, "later");
  await ada.entries(elsewhere, 1);
  assert.deepEqual(ada.texts(room), ["a"]);
  await ada.join(room, { after: ada.all("message", room)[0].position });
  await ada.entries(room, 2);
  assert.deepEqual(ada.texts(room), ["a", "unheard"]);
});

test("joining beyond the end of the room withdraws what cannot have been seen, and goes on", async () => {
  const { room, author, positions } = await roomWith("a");
  const ada = await guest("Ada");
  const [epoch] = positions[0].split("-");
  const answer = await ada.ask("join", { room, after: `${epoch}-1000` });
  if (answer.ok) {
    await author.say(room, "b");
    await ada.entries(room, 1);
    assert.deepEqual(ada.texts(room).at(-1), "b");
    const [withdrawn] = ada.all("void", room);
    assert.equal(n(withdrawn.after), 1);
  } else {
    assert.equal(answer.error.code, "invalid");
  }
});

test("create makes a room of a title; the name is then taken", async () => {
  const ada = await guest("Ada");
  const room = unique("made");
  const { room: made } = await ada.does("create", { room, title: "Tea and cake", visibility: "public" });
  assert.deepEqual(made, { room, title: "Tea and cake", visibility: "public" });
  const bob = await guest("Bob");
  await bob.refused("conflict", "create", { room, title: "Mine" });
  assert.deepEqual((await bob.join(room)).room, made);
});

test("create without a name chooses one", async () => {
  const ada = await guest("Ada");
  const names = [];
  for (let i = 0; i < 2; i++) names.push((await ada.does("create", { title: "Any" })).room.room);
  assert.equal(new Set(names).size, 2);
  await ada.join(names[0]);
});

test("a room that was opened by joining is taken too", async () => {
  const { room, author } = await roomWith();
  await author.refused("conflict", "create", { room, title: "Mine" });
});

test("rooms lists where one is a member, with what is unread", async () => {
  const { room, author, positions } = await roomWith("a", "b", "c");
  const ada = await guest("Ada");
  await ada.join(room, { last: 3 });
  await ada.does("read", { room, position: positions[0] });
  const { rooms } = await ada.does("rooms", {});
  const mine = rooms.find((one) => one.room === room);
  assert.equal(mine.member, true);
  assert.equal(mine.visibility, "public");
  assert.equal(mine.tail, positions[2]);
  assert.equal(mine.read, positions[0]);
  assert.equal(mine.unread, 2);
  assert.equal(mine.online, 2);
  assert.ok(author.user);
});

test("names of all kinds are rooms of their own", async () => {
  const ada = await guest("Ada");
  const names = ["__proto__", "constructor", "a b", "ü 🎉", "a:b,c=d", "../x", "r:", "-"].map((name) => `${name}${unique("")}`);
  for (const room of names) {
    await ada.join(room);
    await ada.say(room, `in ${room}`);
  }
  for (const room of names) {
    await ada.entries(room, 1);
    assert.deepEqual(ada.texts(room), [`in ${room}`]);
  }
});

describe("with other settings", () => {
  test("open rooms off: an unknown room is not found", async () => {
    const server = await ChatServer.start({ "open-rooms": "false" });
    try {
      const ada = await Person.connect(server.url, { name: "Ada" });
      await ada.refused("not_found", "join", { room: "nowhere" });
      await ada.does("create", { room: "somewhere" });
      await ada.join("somewhere");
    } finally {
      await server.stop();
    }
  });

  test("more rooms than a session may have are refused, leaving one makes place", async () => {
    const server = await ChatServer.start({ "rooms-per-session": 2 });
    try {
      const ada = await Person.connect(server.url, { name: "Ada" });
      assert.equal(ada.limits.rooms, 2);
      await ada.join("one");
      await ada.join("two");
      await ada.refused(["too_large", "forbidden", "conflict", "rate_limited"], "join", { room: "three" });
      await ada.does("leave", { room: "one" });
      await ada.join("three");
    } finally {
      await server.stop();
    }
  });

  test("what is trimmed is told as a gap, and what is kept follows it", async () => {
    // Far more than a server keeps at hand for members who fall behind.
    const [count, kept] = [2_000, 10];
    const server = await ChatServer.start({ "retention-entries": kept, "send-burst": count, "send-per-second": count });
    try {
      const [ada, bob] = [await Person.connect(server.url, { name: "Ada" }), await Person.connect(server.url, { name: "Bob" })];
      await ada.join("short");
      for (let i = 0; i < count; i += 100) await Promise.all(Array.from({ length: 100 }, () => ada.say("short", "x".repeat(1_000))));
      await bob.join("short", { after: "0-0" });
      const seen = () => bob.all("message", "short").map((one) => n(one.position));
      await until(() => seen().at(-1) === count, "the newest");
      const [gap] = bob.all("gap", "short");
      assert.equal(gap.reason, "trimmed");
      assert.equal(gap.from, "0-0");
      assert.ok(seen().length >= kept);
      assert.deepEqual(seen(), Array.from({ length: count - n(gap.to) }, (_, i) => n(gap.to) + 1 + i));
    } finally {
      await server.stop();
    }
  });
});
