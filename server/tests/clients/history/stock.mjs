// Stock JavaScript clients for `chat-bench check`: they talk until they read `rest`, and end their histories at `end`.
// Every so often they say as one line of JSON how far each of them has come.
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Chatter } from "./chatter.mjs";
import { Recorder } from "./recorder.mjs";

const STATUS_EVERY_MS = 100;
const TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]];

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    run: { type: "string" },
    rooms: { type: "string" },
    clients: { type: "string" },
    rate: { type: "string" },
    history: { type: "string" },
    "started-us": { type: "string" },
  },
});
const urls = values.url.split(",");
const rooms = Number(values.rooms);
const meanMs = 1000 / Number(values.rate);

const chatters = Array.from({ length: Number(values.clients) }, (_, index) => {
  const mine = Array.from({ length: 1 + (index % Math.min(rooms, 3)) }, (_, k) => `${values.run}-${(index + k) % rooms}`);
  const name = `${values.run}-js-${index}`;
  const recorder = new Recorder(values.history, `stock-js-${String(index).padStart(4, "0")}`, Number(values["started-us"]));
  return new Chatter({ name, url: urls[index % urls.length], transports: TRANSPORTS[index % TRANSPORTS.length], rooms: mine, recorder });
});

let talking = true;
function talk(chatter) {
  if (!talking) return;
  const names = [...chatter.rooms.keys()];
  chatter.compose(names[Math.floor(Math.random() * names.length)]);
  setTimeout(() => talk(chatter), -Math.log(1 - Math.random()) * meanMs);
}
for (const chatter of chatters) setTimeout(() => talk(chatter), Math.random() * meanMs);

const telling = setInterval(() => console.log(JSON.stringify({ clients: chatters.map((chatter) => chatter.status()) })), STATUS_EVERY_MS);

// The end of the input is the end of whoever started this.
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "rest") talking = false;
  if (line === "end") break;
}
talking = false;
clearInterval(telling);
await Promise.all(chatters.map((chatter) => chatter.end()));
process.exit(0);
