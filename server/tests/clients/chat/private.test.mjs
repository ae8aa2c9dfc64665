// Rooms for members alone, as a stock client meets them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { unique } from "./person.mjs";
import { guest } from "./place.mjs";

const about = ({ user }, room, role) => ({ room, title: "The den", visibility: "private", ...(role && { role }), from: user });

test("who is invited, ruled and put out is told so on every connection, in the room or not", async () => {
  const room = unique("den");
  const [ada, bob] = [await guest("Ada"), await guest("Bob")];
  const { token } = bob.all("ready")[0];
  const also = await guest("Bob", { auth: { token }, transports: ["polling"] });
  await ada.does("create", { room, title: "The den", visibility: "private" });
  await also.refused("not_found", "join", { room });
  const expected = [];
  for (const [event, role] of [["invite", "reader"], ["role", "member"], ["kick", undefined]]) {
    await ada.does(event, { room, user: bob.user.id, ...(role && { role }) });
    expected.push(about(ada, room, role));
    for (const one of [bob, also]) {
      await one.heard("room", () => one.all("room", room).length >= expected.length, `${event} on both connections`);
      assert.deepEqual(one.all("room", room), expected);
    }
    if (event === "role") {
      const { role } = await bob.join(room);
      assert.equal(role, "member");
      await bob.say(room, "let in");
    }
  }
  // Each of them ends in an offset, and none says anything of a room's place: the session goes on where it was.
  for (const { event, offset } of bob.told) if (event === "room") assert.match(offset, /^s:/);
  assert.deepEqual(ada.all("room", room), []);
  await bob.refused("not_found", "join", { room });
});

test("a room of two is told to the other, and what was told goes along with a recovery", async () => {
  const [ada, bob] = [await guest("Ada"), await guest("Bob")];
  const { room } = (await ada.does("dm", { user: bob.user.id })).room;
  const told = await bob.heard("room", (one) => one.room === room);
  assert.deepEqual(told, { room, title: `${ada.user.name}, ${bob.user.name}`, visibility: "private", role: "member", from: ada.user });
  await bob.join(room);
  await ada.join(room);
  await ada.say(room, "one");
  await bob.entries(room, 1);
  bob.socket.io.engine.close();
  await ada.say(room, "two");
  const entries = await bob.entries(room, 2);
  assert.deepEqual(entries.map((entry) => entry.text), ["one", "two"]);
  assert.equal(bob.all("ready").at(-1).recovered, true);
});
