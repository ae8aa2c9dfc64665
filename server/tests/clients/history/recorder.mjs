// Writes a client's history in the form that `chat-bench check verify` reads: one JSON line a thing that it did or saw.
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

export class Recorder {
  /** `startedUs` is when the run began, in microseconds of the machine's monotonic clock: all clients of a run share it. */
  constructor(directory, client, startedUs) {
    this.startedUs = startedUs;
    this.file = createWriteStream(join(directory, `${client}.jsonl`));
  }

  record(what, fields = {}) {
    const at = Math.max(0, Number(process.hrtime.bigint() / 1000n) - this.startedUs);
    this.file.write(`${JSON.stringify({ at, what, ...fields })}\n`);
  }

  /** Everything is in the file once this is over. */
  async end() {
    this.file.end();
    await once(this.file, "finish");
  }
}
