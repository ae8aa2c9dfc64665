// Writes a client's history in the form that `chat-bench check verify` reads: one JSON line a thing that it did or saw.
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

export class Recorder {
  /** `startedUs` is when the run began, in microseconds since 1970: all clients of a run share that clock. */
  constructor(directory, client, startedUs) {
    this.startedMs = startedUs / 1000;
    this.file = createWriteStream(join(directory, `${client}.jsonl`));
  }

  record(what, fields = {}) {
    const at = Math.max(0, Math.round((performance.timeOrigin + performance.now() - this.startedMs) * 1000));
    this.file.write(`${JSON.stringify({ at, what, ...fields })}\n`);
  }

  /** Everything is in the file once this is over. */
  async end() {
    this.file.end();
    await once(this.file, "finish");
  }
}
