// The real server with the page embedded, on a free port of loopback. It can be killed and started again on the same
// port, as a pod would be.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Guest tokens outlive a restart only with a key that does. */
const SIGNING_KEY = 'a-key-for-the-tests-of-the-page-0123456789';

/** Nobody asks on these ports. */
const ANY = '127.0.0.1:0';

/** A server is up within this, or the test fails, in milliseconds. */
const START_MS = 20_000;

export class Server {
  readonly port: number;
  readonly #flags: readonly string[];
  #process: ChildProcess | null = null;
  #said = '';

  private constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.#flags = flags;
  }

  static async start(flags: readonly string[] = []): Promise<Server> {
    const server = new Server(await freePort(), flags);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const ports = ['--listen', `127.0.0.1:${this.port}`, '--internal-listen', ANY, '--metrics-listen', ANY];
    const flags = [...ports, '--signing-key', SIGNING_KEY, ...this.#flags];
    // Settings of whoever runs the tests are not for this server.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CHAT_')));
    const child = spawn(binary(), flags, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    const hear = (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-4_000));
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const deadline = Date.now() + START_MS;
    while (!(await this.#isReady())) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${this.#said}`);
      if (Date.now() > deadline) throw new Error(`the server is not ready:\n${this.#said}`);
      await sleep(50);
    }
  }

  /** As a crash does it: nothing is said to anybody. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }
}

function binary(): string {
  const named = process.env.TARGET_SERVER_BIN;
  if (named) return named;
  const target = process.env.CARGO_TARGET_DIR ?? join(import.meta.dirname, '../../../target');
  const shared = join(homedir(), '.cache/chatcluster/target');
  const built = [target, shared]
    .flatMap((folder) => ['release', 'debug'].map((kind) => join(folder, kind, 'chat-server')))
    .filter((path) => existsSync(path));
  const [found] = built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (!found)
    throw new Error('no chat-server is built: run `cargo build -p chat-server`, or name one by TARGET_SERVER_BIN');
  return found;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
