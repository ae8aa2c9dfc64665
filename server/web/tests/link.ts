// A link between a browser and the server that can be slow or broken while the server lives.

import { connect, createServer, type AddressInfo, type Server as Listener, type Socket } from 'node:net';

export class Link {
  readonly #listener: Listener;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #delayMs = 0;
  #broken = false;
  #plain = false;

  private constructor(target: number) {
    this.#listener = createServer((near) => {
      if (this.#broken) {
        near.destroy();
        return;
      }
      const far = connect(target, '127.0.0.1');
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      this.#carry(near, far, pair);
      this.#carry(far, near, pair);
    });
  }

  static open(target: number): Promise<Link> {
    const link = new Link(target);
    return new Promise((resolve) => link.#listener.listen(0, '127.0.0.1', () => resolve(link)));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Every piece takes this long each way, in milliseconds. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Cuts what is open and refuses what comes, until `mend`. */
  cut(): void {
    this.#broken = true;
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  /** Lets no WebSocket through, as some proxies do. */
  refuseUpgrades(): void {
    this.#plain = true;
  }

  mend(): void {
    this.#broken = false;
  }

  close(): void {
    this.cut();
    this.#listener.close();
  }

  #carry(from: Socket, to: Socket, pair: readonly [Socket, Socket]): void {
    from.on('data', (chunk: Buffer) => {
      if (this.#plain && /^upgrade: websocket/im.test(chunk.toString('latin1'))) from.destroy();
      else this.#later(() => to.write(chunk));
    });
    const end = () => this.#later(() => to.destroy());
    from.on('end', end);
    from.on('error', end);
    from.on('close', () => {
      this.#pairs.delete(pair);
      end();
    });
  }

  /** Timers of one length fire in the order in which they were set, so the order of the bytes is kept. */
  #later(act: () => void): void {
    if (this.#delayMs === 0) act();
    else setTimeout(act, this.#delayMs);
  }
}
