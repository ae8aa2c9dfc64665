// Wrong input in every field of every event: refused with its code, and nothing else changes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../wire/deadline.mjs";
import { unique } from "./person.mjs";
import { guest } from "./place.mjs";

const NOT_TEXT = [5, true, {}, [], ["x"]];
const NOT_POSITION = ["", "abc", "1", "1-", "-1", "-1-1", "1--1", "1-1-1", " 1-1", "1-1.5", "1-0x1", "99999999999999999999-1", "1-99999999999999999999", "9007199254740993-1", ...NOT_TEXT];
const NOT_COUNT = ["5", -1, 1.5, {}, [], true, 1e300];
const NOT_SWITCH = ["true", 1, {}, []];

/** The right fields of each event, and for each field what it must not be. */
const EVENTS = {
  join: [{}, { room: [...NOT_TEXT, "", null], after: NOT_POSITION, last: NOT_COUNT }],
  leave: [{}, { room: [...NOT_TEXT, null] }],
  send: [
    { id: "1", text: "x" },
    { room: [...NOT_TEXT, null], id: [...NOT_TEXT, "", null], text: NOT_TEXT, kind: [...NOT_TEXT, "edit", "delete", "react", "unknown", "custom.", ""], reply_to: NOT_POSITION },
  ],
  edit: [{ id: "1", of: "OF", text: "x" }, { id: [...NOT_TEXT, "", null], of: [...NOT_POSITION, null], text: [...NOT_TEXT, null] }],
  delete: [{ id: "1", of: "OF" }, { id: [...NOT_TEXT, "", null], of: [...NOT_POSITION, null] }],
  react: [{ id: "1", of: "OF", emoji: "👍" }, { id: [...NOT_TEXT, ""], of: NOT_POSITION, emoji: [...NOT_TEXT, "", null], remove: NOT_SWITCH }],
  history: [{}, { room: NOT_TEXT, before: NOT_POSITION, after: NOT_POSITION, limit: [...NOT_COUNT, 0] }],
  typing: [{ typing: true }, { room: NOT_TEXT, typing: [...NOT_SWITCH, null] }],
  read: [{ position: "OF" }, { room: NOT_TEXT, position: [...NOT_POSITION, null] }],
  create: [{}, { room: [...NOT_TEXT, ""], title: NOT_TEXT, visibility: [...NOT_TEXT, "secret", ""] }],
};
const REQUIRED = {
  join: ["room"], leave: ["room"], send: ["room", "id", "text"], edit: ["room", "id", "of", "text"], delete: ["room", "id", "of"],
  react: ["room", "id", "of", "emoji"], history: ["room"], typing: ["room", "typing"], read: ["room", "position"],
};
const NOT_AN_OBJECT = [[], [null], ["text"], [5], [[]], [[{}]], [true]];

async function place() {
  const room = unique("room");
  const [ada, watcher] = [await guest("Ada"), await guest("Watcher")];
  await watcher.join(room);
  await ada.join(room);
  const { position: of } = await ada.say(room, "the only entry");
  await watcher.entries(room, 1);
  return { room, ada, watcher, of };
}

/** Nothing was said, and both still can. */
async function unharmed({ room, ada, watcher }) {
  await ada.say(room, "still here");
  await watcher.say(room, "me too");
  await until(() => watcher.texts(room).includes("me too") && ada.texts(room).includes("me too"), "both to go on");
  assert.deepEqual(watcher.texts(room), ["the only entry", "still here", "me too"]);
}

for (const [event, [fields, wrong]] of Object.entries(EVENTS)) {
  test(`${event}: wrong values in each field are invalid`, async () => {
    const here = await place();
    const { room, ada, of } = here;
    const right = { ...(event === "create" ? {} : { room }), ...fields, ...("of" in fields ? { of } : {}), ...(fields.position ? { position: of } : {}) };
    for (const [field, values] of Object.entries(wrong)) {
      for (const value of values) await ada.refused("invalid", event, { ...right, [field]: value });
    }
    await unharmed(here);
  });

  test(`${event}: what is no object is invalid`, async () => {
    const here = await place();
    for (const args of NOT_AN_OBJECT) {
      // An event of only a name is {} to `create`, which needs no field.
      if (event !== "create" || args.length > 0) await here.ada.refused("invalid", event, ...args);
    }
    await unharmed(here);
  });
}

for (const [event, fields] of Object.entries(REQUIRED)) {
  test(`${event}: a missing field is invalid`, async () => {
    const here = await place();
    const right = { room: here.room, ...EVENTS[event][0], ...("of" in EVENTS[event][0] ? { of: here.of } : {}) };
    for (const field of fields) {
      const { [field]: _, ...rest } = right;
      await here.ada.refused("invalid", event, rest);
    }
    await unharmed(here);
  });
}

test("a join with both a place and a count is invalid, or one of them counts", async () => {
  const { room, ada } = await place();
  const answer = await ada.ask("join", { room, after: "0-0", last: 1 });
  if (!answer.ok) assert.equal(answer.error.code, "invalid");
});

test("history with both ends is invalid, or lies between them", async () => {
  const { room, ada, of } = await place();
  const answer = await ada.ask("history", { room, after: "0-0", before: of });
  if (answer.ok) assert.deepEqual(answer.entries, []);
  else assert.equal(answer.error.code, "invalid");
});

test("an unknown event is answered with an error", async () => {
  const here = await place();
  for (const event of ["shout", "", "ready", "message", "__proto__", "constructor", "x".repeat(1_000)]) {
    await here.ada.refused(["invalid", "not_found"], event, { room: here.room });
  }
  await unharmed(here);
});

test("wrong events without an acknowledgement are harmless", async () => {
  const here = await place();
  for (const [event, [fields, wrong]] of Object.entries(EVENTS)) {
    for (const [field, values] of Object.entries(wrong)) {
      if (event !== "create" && event !== "join") here.ada.socket.emit(event, { ...fields, [field]: values[0] });
    }
    if (event !== "create") here.ada.socket.emit(event);
  }
  here.ada.socket.emit("shout", 1, 2, 3);
  await unharmed(here);
});

test("bytes where text is due are invalid", async () => {
  const here = await place();
  await here.ada.refused("invalid", "send", { room: here.room, id: "1", text: Buffer.from("bytes") });
  await here.ada.refused("invalid", "send", Buffer.from("bytes"));
  await here.ada.refused("invalid", "join", { room: Buffer.from("bytes") });
  await unharmed(here);
});

test("deep nesting in data is taken or refused, never fatal", async () => {
  const here = await place();
  const deep = "[".repeat(5_000) + "]".repeat(5_000);
  const { room, ada, watcher } = here;
  ada.socket.io.engine.write(`2["send",{"room":${JSON.stringify(room)},"id":"deep","kind":"custom.deep","data":${deep}}]`);
  // Whatever the answer, a close included: the others go on, and so does the one who sent it.
  await watcher.say(room, "on");
  await until(() => ada.texts(room).includes("on"), "the sender to go on, on this connection or the next");
});
