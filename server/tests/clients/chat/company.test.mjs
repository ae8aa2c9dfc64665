// Who else is there: presence, typing, receipts, and several connections of one user.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../wire/deadline.mjs";
import { unique } from "./person.mjs";
import { guest, member } from "./place.mjs";

const ids = (users) => users.map((user) => user.id).sort();

test("presence tells who comes and who goes, however they go", async () => {
  const room = unique("room");
  const ada = await guest("Ada");
  await ada.join(room);
  const others = [await guest("Bob"), await guest("Cy"), await guest("Di", { transports: ["polling"] })];
  for (const other of others) await other.join(room);
  const everybody = await ada.heard("presence", (one) => one.room === room && one.online === 4, "four online");
  assert.deepEqual(ids(everybody.users), ids([ada, ...others].map((person) => person.user)));
  await others[0].does("leave", { room });
  await ada.heard("presence", (one) => one.room === room && one.online === 3, "three online");
  others[1].socket.disconnect();
  others[2].socket.io.engine.close();
  await until(() => ada.all("presence", room).at(-1).online <= 2, "the others to be gone");
});

test("presence, typing and receipts end in an object, so that no client takes them for an offset", async () => {
  const room = unique("room");
  const [ada, bob] = [await guest("Ada"), await guest("Bob")];
  const last = {};
  for (const event of ["presence", "typing", "receipt"]) ada.socket.on(event, (...args) => (last[event] = args));
  await ada.join(room);
  await bob.join(room);
  const { position } = await bob.say(room, "x");
  await bob.does("typing", { room, typing: true });
  await bob.does("read", { room, position });
  await until(() => Object.keys(last).length === 3, () => `all three, got ${Object.keys(last)}`);
  for (const [event, args] of Object.entries(last)) {
    assert.equal(args.length, 1, event);
    assert.equal(typeof args[0], "object", event);
  }
});

test("typing is told to the others with who it is", async () => {
  const room = unique("room");
  const [ada, bob] = [await guest("Ada"), await guest("Bob")];
  await ada.join(room);
  await bob.join(room);
  await bob.does("typing", { room, typing: true });
  assert.deepEqual(await ada.heard("typing", (one) => one.typing), { room, user: bob.user, typing: true });
  await bob.does("typing", { room, typing: false });
  assert.deepEqual(await ada.heard("typing", (one) => !one.typing), { room, user: bob.user, typing: false });
});

test("read tells the others, counts what is unread, and never goes back", async () => {
  const room = unique("room");
  const [ada, bob] = [await guest("Ada"), await guest("Bob")];
  await ada.join(room);
  await bob.join(room);
  const positions = [];
  for (const text of ["a", "b", "c"]) positions.push((await ada.say(room, text)).position);
  assert.equal((await bob.does("read", { room, position: positions[1] })).unread, 1);
  assert.deepEqual(await ada.heard("receipt", (one) => one.user.id === bob.user.id), { room, user: bob.user, position: positions[1] });
  assert.equal((await bob.does("read", { room, position: positions[0] })).unread, 1, "not back");
  assert.equal((await bob.does("read", { room, position: positions[2] })).unread, 0);
  await ada.say(room, "d");
  const { rooms } = await bob.does("rooms", {});
  assert.equal(rooms.find((one) => one.room === room).unread, 1);
  assert.deepEqual(ada.all("receipt", room).filter((one) => one.position === positions[0]), [], "nobody is told of going back");
});

test("reading beyond the end of the room reads to its end at most", async () => {
  const room = unique("room");
  const ada = await guest("Ada");
  await ada.join(room);
  const { position } = await ada.say(room, "a");
  const answer = await ada.ask("read", { room, position: position.replace(/-.*/, "-1000") });
  if (!answer.ok) assert.equal(answer.error.code, "invalid");
  await ada.say(room, "b");
  const mine = (await ada.does("rooms", {})).rooms.find((one) => one.room === room);
  assert.ok(mine.unread >= 1, "what came later is unread");
});

test("two connections of one user: both are told everything, and they are one person", async () => {
  const room = unique("room");
  const sub = unique("user");
  const [phone, laptop, bob] = [await member(sub, "Ada"), await member(sub, "Ada"), await guest("Bob")];
  await bob.join(room);
  await phone.join(room);
  const answer = await laptop.join(room);
  assert.equal(answer.online, 2);
  const { position } = await phone.say(room, "from the phone");
  await laptop.entries(room, 1);
  await phone.entries(room, 1);
  assert.equal((await phone.does("read", { room, position })).unread, 0);
  const seen = (await laptop.does("rooms", {})).rooms.find((one) => one.room === room);
  assert.deepEqual([seen.read, seen.unread], [position, 0], "what is read on one is read on the other");
  phone.socket.disconnect();
  await bob.say(room, "still there?");
  await laptop.entries(room, 2);
  const { rooms } = await bob.does("rooms", {});
  assert.equal(rooms.find((one) => one.room === room).online, 2, "the user is still online");
});

test("one connection's rooms are not the other's", async () => {
  const room = unique("room");
  const sub = unique("user");
  const [phone, laptop] = [await member(sub), await member(sub)];
  await phone.join(room);
  await phone.say(room, "x");
  await phone.entries(room, 1);
  const other = unique("room");
  await laptop.join(other);
  await laptop.say(other, "y");
  await laptop.entries(other, 1);
  assert.deepEqual(laptop.texts(room), []);
});
