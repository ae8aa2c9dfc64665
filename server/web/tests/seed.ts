// People without a browser: stock clients that fill a room for a test.

import { io, type Socket } from 'socket.io-client';

interface Sent {
  readonly position: string;
}

export class Voice {
  readonly #socket: Socket;
  readonly #room: string;
  #sent = 0;

  private constructor(socket: Socket, room: string) {
    this.#socket = socket;
    this.#room = room;
  }

  static async enter(url: string, name: string, room: string): Promise<Voice> {
    const socket = io(url, { transports: ['websocket'], auth: { name }, forceNew: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('ready', () => resolve());
      socket.once('connect_error', reject);
    });
    const voice = new Voice(socket, room);
    await voice.#ask('join', {});
    return voice;
  }

  async say(text: string, more: { readonly reply_to?: string } = {}): Promise<string> {
    return (await this.#ask('send', { id: this.#id(), text, ...more })).position;
  }

  /** Many texts at once; they keep their order. */
  async sayAll(texts: readonly string[]): Promise<void> {
    const BATCH = 200;
    for (let from = 0; from < texts.length; from += BATCH) {
      await Promise.all(texts.slice(from, from + BATCH).map((text) => this.say(text)));
    }
  }

  async react(of: string, emoji: string): Promise<void> {
    await this.#ask('react', { id: this.#id(), of, emoji });
  }

  async edit(of: string, text: string): Promise<void> {
    await this.#ask('edit', { id: this.#id(), of, text });
  }

  type(): void {
    this.#socket.emit('typing', { room: this.#room, typing: true });
  }

  close(): void {
    this.#socket.disconnect();
  }

  #id(): string {
    this.#sent += 1;
    return `seed-${this.#sent}`;
  }

  async #ask(event: string, question: object): Promise<Sent> {
    const answer = (await this.#socket.timeout(30_000).emitWithAck(event, { room: this.#room, ...question })) as {
      ok: boolean;
      error?: unknown;
    } & Sent;
    if (!answer.ok) throw new Error(`${event}: ${JSON.stringify(answer.error)}`);
    return answer;
  }
}
