// One run: speakers, listeners behind proxies that break, rooms that are joined and left, and what must hold at the end.
import assert from "node:assert/strict";
import { Person, n } from "../chat/person.mjs";
import { pause, until } from "../wire/deadline.mjs";
import { Proxy, UPGRADE_STAGES } from "./proxy.mjs";
import { Random } from "./random.mjs";
import { Witness } from "./witness.mjs";

const ROOMS = ["kitchen", "garden", "attic", "cellar", "hall", "porch"];
const SPEAKERS = 3;
/** How long clients may take to come to rest once nothing breaks any more. */
const SETTLE_MS_MAX = 30_000;

export const SEED = Number(process.env.RECOVERY_SEED ?? Date.now() % 1_000_000_000);
export const SECONDS = Number(process.env.RECOVERY_SECONDS ?? 10);

/** Each breaks something about `proxy`; those of polling and of upgrades wait for the next request of their kind. */
const FAULTS = {
  reset: (proxy) => proxy.break("reset"),
  close: (proxy) => proxy.break("close"),
  halfOpen: (proxy) => proxy.break("halfOpen"),
  stall: (proxy, random) => proxy.stall(random.between(20, 600)),
  "stall, then reset": (proxy, random) => {
    const ms = random.between(20, 300);
    proxy.stall(ms);
    setTimeout(() => proxy.break("reset"), ms / 2).unref();
  },
  "lose a response": (proxy) => proxy.loseNextResponse(),
  "repeat a GET": (proxy) => proxy.repeatNext("GET"),
  "repeat a POST": (proxy) => proxy.repeatNext("POST"),
};

/** Which faults a client of these transports can meet. */
function faultsFor(transports) {
  const names = ["reset", "close", "halfOpen", "stall", "stall, then reset"];
  if (transports.includes("polling")) names.push("lose a response", "repeat a GET", "repeat a POST");
  return names;
}

/**
 * Runs `count` witnesses of these transports against `server` for SECONDS and checks all of them; returns what happened:
 * how often each fault took effect, how many reconnects and upgrades there were.
 */
export async function storm(server, { transports, count = 4, auth = {}, seed = SEED }) {
  const random = new Random(seed);
  const speakers = [];
  for (let i = 0; i < SPEAKERS; i++) {
    const speaker = await Person.connect(server.url, { name: `Speaker ${i}`, recovery: false });
    for (const room of ROOMS) await speaker.join(room);
    speakers.push(speaker);
  }
  const pairs = [];
  for (let i = 0; i < count; i++) {
    const proxy = await Proxy.start(server.url);
    const witness = new Witness(`Witness ${i}`, proxy.url, auth, { transports });
    await until(() => witness.handled > 0, "the witness to be let in");
    pairs.push({ proxy, witness });
  }
  const sent = new Map();
  let over = false;
  const work = () => [
    ...speakers.map((speaker, i) => speak(speaker, i, random.fork(), sent, () => over)),
    ...pairs.flatMap(({ proxy, witness }) => [
      wander(witness, random.fork(), () => over),
      utter(witness, random.fork(), sent, () => over),
      breakThings(proxy, transports, random.fork(), () => over),
    ]),
  ];
  try {
    const tasks = Promise.all(work());
    await Promise.race([pause(SECONDS * 1_000), tasks]);
    over = true;
    await tasks;
    for (const { proxy } of pairs) Object.assign(proxy, { losing: false, cutting: null, repeating: {} });
    const logs = await readLogs(speakers[0]);
    for (const { witness } of pairs) await settled(witness, logs);
    check(pairs, logs, sent);
  } finally {
    over = true;
    for (const { witness, proxy } of pairs) {
      witness.end();
      proxy.stop();
    }
  }
  return report(pairs);
}

async function speak(speaker, which, random, sent, over) {
  for (let i = 0; !over(); i++) {
    const room = random.pick(ROOMS);
    const id = `s${which}-${i}`;
    const { position } = await speaker.does("send", { room, id, text: `${id} ${"x".repeat(random.between(0, 300))}` });
    sent.set(`${room} ${position}`, id);
    await pause(random.between(1, 30));
  }
}

/** A witness talks through its broken link, and asks again under the same id until it is acknowledged. */
async function utter(witness, random, sent, over) {
  for (let i = 0; !over(); i++) {
    const room = "hall"; // joined at the start and never left, see `wander`
    const id = `${witness.name} ${i}`;
    if (witness.at.has(room)) {
      const { position } = await witness.ask("send", { room, id, text: id });
      sent.set(`${room} ${position}`, id);
    }
    await pause(random.between(20, 150));
  }
}

/** Joins and leaves at random; at the end it is in some rooms. */
async function wander(witness, random, over) {
  const inside = new Set(["hall", random.pick(ROOMS), random.pick(ROOMS), random.pick(ROOMS)]);
  for (const room of inside) await witness.join(room);
  // Without recovery a client that comes back joins what it was in; whether a leave under way counts is then its own affair.
  while (!over() && witness.expectsRecovery) {
    await pause(random.between(50, 600));
    const room = random.pick(ROOMS.filter((one) => one !== "hall"));
    if (inside.delete(room)) await witness.leave(room);
    else {
      await witness.join(room);
      inside.add(room);
    }
  }
}

/** Breaks something now and then until `over()`. */
export async function breakThings(proxy, transports, random, over) {
  const upgrades = transports.length > 1;
  while (!over()) {
    await pause(random.between(20, 700));
    if (upgrades && random.chance(0.4)) {
      proxy.cutNextUpgrade(random.pick(UPGRADE_STAGES), random.pick(["reset", "close", "halfOpen"]));
      if (random.chance(0.5)) proxy.break("reset");
    } else FAULTS[random.pick(faultsFor(transports))](proxy, random);
  }
}

/** The rooms' logs as `history` tells them. */
async function readLogs(reader) {
  const logs = new Map();
  for (const room of ROOMS) {
    const log = [];
    for (let after = "0-0", more = true; more; after = log.at(-1)?.position ?? after) {
      const page = await reader.does("history", { room, after, limit: 100 });
      log.push(...page.entries);
      more = page.more;
    }
    logs.set(room, log);
  }
  return logs;
}

function settled(witness, logs) {
  const behind = () => [...witness.at].filter(([room, position]) => n(position) !== logs.get(room).length);
  return until(
    () => witness.faults.length > 0 || behind().length === 0,
    () => `${witness.name} to have everything; behind: ${JSON.stringify(behind())} of ${JSON.stringify([...logs].map(([room, log]) => [room, log.length]))}\n      ${witness.log.slice(-25).join("\n      ")}`,
    SETTLE_MS_MAX,
  );
}

function check(pairs, logs, sent) {
  for (const [room, log] of logs) {
    assert.deepEqual(log.map((entry) => n(entry.position)), Array.from({ length: log.length }, (_, i) => i + 1), `the log of ${room} has no gaps`);
    const ids = log.map((entry) => `${entry.from.id} ${entry.id}`);
    assert.equal(new Set(ids).size, ids.length, `nothing stands twice in ${room}`);
    for (const entry of log) if (entry.id !== sent.get(`${room} ${entry.position}`)) assert.fail(`${entry.id} at ${entry.position} of ${room}: acknowledged as ${sent.get(`${room} ${entry.position}`)}`);
  }
  const length = [...logs.values()].reduce((sum, log) => sum + log.length, 0);
  assert.equal(sent.size, length, "what was acknowledged is in the log, once, and nothing else");
  for (const { witness } of pairs) {
    assert.deepEqual(witness.faults, [], `${witness.name}:\n    ${witness.faults.join("\n    ")}`);
    for (const [room, seen] of witness.seen) {
      const log = logs.get(room);
      assert.deepEqual(seen, log.slice(log.length - seen.length), `${witness.name} saw ${room} as it is`);
    }
  }
}

function report(pairs) {
  const faults = {};
  for (const { proxy } of pairs) for (const [name, times] of Object.entries(proxy.faults)) faults[name] = (faults[name] ?? 0) + times;
  const sum = (field) => pairs.reduce((total, { witness }) => total + witness[field], 0);
  return { faults, reconnects: sum("reconnects"), upgrades: sum("upgrades") };
}
