// A program under test: started on a free port, awaited by its first answer, ended by its pid.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { until, within } from "../wire/deadline.mjs";

/** A port that was free a moment ago. Programs that take `--listen` cannot always tell the port they got. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

// Whatever ends this process ends the programs that it started.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** A child process and the tail of what it printed, for the report when a test fails. */
export class Program {
  static OUTPUT_CHARS_MAX = 64 * 1024;

  constructor(command, args, env = {}) {
    this.output = "";
    this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    running.add(this.child);
    this.exited = new Promise((resolve) => {
      this.child.on("exit", (code, signal) => {
        running.delete(this.child);
        resolve({ code, signal });
      });
      this.child.on("error", (error) => {
        this.output += `${error.message}\n`;
        resolve({ code: 127, signal: null });
      });
    });
    const keep = (text) => {
      this.output = (this.output + text).slice(-Program.OUTPUT_CHARS_MAX);
    };
    this.child.stdout.setEncoding("utf8").on("data", keep);
    this.child.stderr.setEncoding("utf8").on("data", keep);
  }

  get running() {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  /** Waits until `url` is answered at all; fails at once when the program has ended. */
  async answers(url, ms = 30_000) {
    await until(
      async () => {
        if (!this.running) throw new Error(`the program ended before it answered:\n${this.output}`);
        return fetch(url).then((response) => response.arrayBuffer().then(() => true), () => false);
      },
      () => `${url} to answer; the program said:\n${this.output}`,
      ms,
    );
    return this;
  }

  /** Asks it to end, and after `ms` makes it. */
  async stop(ms = 5_000) {
    if (!this.running) return this.exited;
    this.child.kill("SIGTERM");
    return within(this.exited, "the program to end", ms).catch(() => this.kill());
  }

  async kill() {
    this.child.kill("SIGKILL");
    return this.exited;
  }
}
