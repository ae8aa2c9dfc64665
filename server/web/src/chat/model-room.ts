// A room's log as a server holds it, and the stream that one member gets: the oracle of the property tests. It
// branches (the end of the log is lost), trims (the oldest are dropped) and starts anew.

import type { Entry, Gap, User } from './entry';
import type { Position } from './position';

export type Delivery =
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'gap'; readonly room: string; readonly gap: Gap }
  | { readonly type: 'void'; readonly room: string; readonly after: Position };

export class ModelRoom {
  /** The entries of the present branch, trimmed ones too. */
  log: Entry[] = [];
  /** Entries up to this number are not kept any more. */
  trimmed = 0;
  #epoch = 1;
  #base: Position = { epoch: 0, n: 0 };
  #tenure = 0;
  #sent = 0;
  #follower: { place: Position; tenure: number } | null = null;

  constructor(readonly name: string) {}

  append(count: number, change: boolean, from: User): void {
    for (let i = 0; i < count; i += 1) {
      this.#sent += 1;
      const position = { epoch: this.#epoch, n: this.tail().n + 1 };
      const written = { room: this.name, position, at: this.#sent, id: `id${this.#sent}`, from };
      this.log.push(
        change
          ? { ...written, kind: 'edit', of: this.tail(), text: 'changed' }
          : { ...written, kind: 'message', text: 'said', replyTo: null },
      );
    }
  }

  tail(): Position {
    return this.log.at(-1)?.position ?? this.#base;
  }

  /** The place before the last so many entries. */
  place(last: number): Position {
    return this.log.at(-last - 1)?.position ?? this.#base;
  }

  /** The end of the log is lost; what comes next has a higher epoch. */
  rollBack(count: number): void {
    const kept = this.log.filter(({ position }) => position.n <= this.trimmed).length;
    this.log.length = Math.max(kept, this.log.length - count);
    this.#epoch += 1;
  }

  trim(count: number): void {
    this.trimmed = Math.min(this.trimmed + count, this.tail().n);
  }

  /** The log starts anew: with a count of its own, or going on with the old one. */
  reset(restart: boolean): void {
    this.#epoch += 1;
    this.#tenure += 1;
    this.#base = { epoch: this.#epoch, n: restart ? 0 : this.tail().n };
    this.trimmed = this.#base.n;
    this.log = [];
    this.#epoch += 1;
  }

  /** A member's stay goes on after this place. */
  follow(after: Position): void {
    const old = this.#follower;
    this.#follower = { place: after, tenure: old ? old.tenure : this.#tenure };
  }

  /** What the member is told next; null when it has everything. */
  next(): Delivery | null {
    const follower = this.#follower;
    if (!follower) return null;
    const { place } = follower;
    if (follower.tenure !== this.#tenure) {
      this.#follower = { place: this.#base, tenure: this.#tenure };
      return { type: 'gap', room: this.name, gap: { from: place, to: this.#base, reason: 'reset' } };
    }
    const reach = this.#reach(place);
    if (reach < place.n) {
      // The place after a void takes the epoch of what comes next.
      this.#follower = { ...follower, place: { epoch: this.#epoch, n: reach } };
      return { type: 'void', room: this.name, after: this.#follower.place };
    }
    if (this.trimmed > place.n) {
      const to = this.log.find(({ position }) => position.n === this.trimmed)?.position ?? this.#base;
      this.#follower = { ...follower, place: to };
      return { type: 'gap', room: this.name, gap: { from: place, to, reason: 'trimmed' } };
    }
    const entry = this.log.find(({ position }) => position.n === place.n + 1);
    if (!entry) return null;
    this.#follower = { ...follower, place: entry.position };
    return { type: 'entry', entry };
  }

  history(before: Position, limit: number): { entries: readonly Entry[]; more: boolean } {
    const older = this.log.filter(({ position }) => position.n < before.n && position.n > this.trimmed);
    return { entries: older.slice(-limit), more: older.length > limit };
  }

  /** How far a place of some epoch still stands on the log as it is. */
  #reach({ epoch, n }: Position): number {
    const last = this.log.findLast(({ position }) => position.epoch <= epoch);
    return Math.min(n, last?.position.n ?? this.#base.n);
  }
}
