// Who one is to the server: a token once it has given one, a name before.

import { keep } from './keep';

export class Identity {
  #token = keep.token();
  #name = keep.name();

  get known(): boolean {
    return this.#token !== null || this.#name !== null;
  }

  /** What the CONNECT packet carries. */
  get auth(): { readonly token: string } | { readonly name: string } {
    return this.#token === null ? { name: this.#name ?? '' } : { token: this.#token };
  }

  /** Somebody chose this name: whoever was here before is forgotten. */
  call(name: string): void {
    this.#setToken(null);
    this.#setName(name);
  }

  /** The server said who one is; a guest gets a token for the next time. */
  learn(name: string, token: unknown): void {
    this.#setName(name);
    if (typeof token === 'string') this.#setToken(token);
  }

  /** The server does not know the token any more. False where there is no name to go on with. */
  dropToken(): boolean {
    const goesOn = this.#token !== null && this.#name !== null;
    if (goesOn) this.#setToken(null);
    return goesOn;
  }

  forget(): void {
    this.#setToken(null);
    this.#setName(null);
  }

  #setToken(token: string | null): void {
    this.#token = token;
    keep.setToken(token);
  }

  #setName(name: string | null): void {
    this.#name = name;
    keep.setName(name);
  }
}
