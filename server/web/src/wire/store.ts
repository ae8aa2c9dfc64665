// Holds the chat's state and tells React when it changed. What the server says is told at most every few
// milliseconds, so that a burst costs one render; what a person does is told at once.

import type { ChatEvent } from '../chat/event';
import { reduce } from '../chat/reduce';
import type { ChatState } from '../chat/state';

/** Between two tellings of what the server says, in milliseconds. */
const CALM_MS = 40;

export class Store {
  #state: ChatState;
  #shown: ChatState;
  #told = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(state: ChatState) {
    this.#state = state;
    this.#shown = state;
  }

  /** The state as it is now. */
  get state(): ChatState {
    return this.#state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The state as it was last told, for rendering. */
  readonly shown = (): ChatState => this.#shown;

  /** A person did something, or the connection changed. */
  dispatch(event: ChatEvent): void {
    this.#state = reduce(this.#state, event);
    this.#tell();
  }

  /** The server said something. */
  receive(event: ChatEvent): void {
    this.#state = reduce(this.#state, event);
    if (this.#timer !== null) return;
    const wait = this.#told + CALM_MS - performance.now();
    if (wait <= 0) this.#tell();
    else this.#timer = setTimeout(() => this.#tell(), wait);
  }

  #tell(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#told = performance.now();
    if (this.#shown === this.#state) return;
    this.#shown = this.#state;
    for (const listener of this.#listeners) listener();
  }
}
