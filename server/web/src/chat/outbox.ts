// What this page has sent and not yet seen to the end. Each send keeps its id over every try, so that the server
// appends it once; it leaves the outbox when it is acknowledged *and* its entry is on the page.

import type { Entry } from './entry';
import type { Failure } from './failure';
import type { Position } from './position';

export type Action =
  | { readonly kind: 'message'; readonly text: string; readonly replyTo: Position | null }
  | { readonly kind: 'edit'; readonly of: Position; readonly text: string }
  | { readonly kind: 'delete'; readonly of: Position }
  | { readonly kind: 'react'; readonly of: Position; readonly emoji: string; readonly remove: boolean };

export type PendingState =
  /** To be sent as soon as the room is live. */
  | 'waiting'
  /** On its way; no answer yet. */
  | 'sending'
  /** Acknowledged; its entry has not come yet. */
  | 'sent'
  /** Refused; a person decides. */
  | 'failed'
  /** Its entry was seen and then withdrawn by the server; a person decides. */
  | 'withdrawn';

export interface Pending {
  readonly id: string;
  readonly room: string;
  readonly action: Action;
  readonly state: PendingState;
  /** When it was first handed to the server, by this machine's clock; null before. */
  readonly tried: number | null;
  /** The last position of the room that was on the page at the first try. */
  readonly seen: Position | null;
  /** True once its entry is on the page, whatever has been acknowledged. */
  readonly arrived: boolean;
  readonly failure: Failure | null;
  /** Not before this time, by this machine's clock. */
  readonly notBefore: number;
}

export type Outbox = readonly Pending[];

export function compose(outbox: Outbox, id: string, room: string, action: Action): Outbox {
  if (outbox.some((pending) => pending.id === id)) return outbox;
  const state = 'waiting';
  return [...outbox, { id, room, action, state, tried: null, seen: null, arrived: false, failure: null, notBefore: 0 }];
}

/** The one that goes next in a room: sends of a room go one after the other, so that they keep their order. */
export function nextToSend(outbox: Outbox, room: string): Pending | null {
  for (const pending of outbox) {
    if (pending.room !== room) continue;
    if (pending.state === 'sending') return null;
    if (pending.state === 'waiting') return pending;
  }
  return null;
}

export function attempt(outbox: Outbox, id: string, now: number, seen: Position | null): Outbox {
  return change(outbox, id, (pending) => ({
    ...pending,
    state: 'sending',
    failure: null,
    tried: pending.tried ?? now,
    seen: pending.tried === null ? seen : pending.seen,
  }));
}

export function acknowledge(outbox: Outbox, id: string): Outbox {
  return change(outbox, id, (pending) => (pending.arrived ? null : { ...pending, state: 'sent', failure: null }));
}

/** The server said no. With `notBefore` it goes again at that time, else it waits for a person. */
export function refuse(outbox: Outbox, id: string, failure: Failure, notBefore: number | null): Outbox {
  return change(outbox, id, (pending) => ({
    ...pending,
    failure,
    state: notBefore === null ? 'failed' : 'waiting',
    notBefore: notBefore ?? 0,
  }));
}

/** No answer came: what was on its way goes again with the same id. */
export function unanswered(outbox: Outbox, id: string | null): Outbox {
  if (!outbox.some((pending) => pending.state === 'sending' && (id === null || pending.id === id))) return outbox;
  return outbox.map((pending) =>
    pending.state === 'sending' && (id === null || pending.id === id) ? { ...pending, state: 'waiting' } : pending,
  );
}

/** A person asked for another try. What was withdrawn or is in doubt counts as new. */
export function retry(outbox: Outbox, id: string): Outbox {
  return change(outbox, id, (pending) =>
    pending.state === 'failed' || pending.state === 'withdrawn'
      ? { ...pending, state: 'waiting', tried: null, seen: null, failure: null, notBefore: 0 }
      : { ...pending, notBefore: 0 },
  );
}

export function discard(outbox: Outbox, id: string): Outbox {
  return outbox.filter((pending) => pending.id !== id);
}

/** An entry of one's own is on the page. */
export function arrive(outbox: Outbox, entry: Entry): Outbox {
  return change(outbox, entry.id, (pending) => {
    if (pending.room !== entry.room) return pending;
    return pending.state === 'sending' || (pending.state === 'waiting' && pending.tried !== null)
      ? { ...pending, arrived: true }
      : null;
  });
}

/** Entries of one's own were withdrawn: the words are kept, and a person decides what becomes of them. */
export function withdraw(outbox: Outbox, entries: readonly Entry[]): Outbox {
  let next = outbox;
  for (const entry of entries) {
    if (next.some((pending) => pending.id === entry.id)) {
      next = change(next, entry.id, (pending) => ({ ...pending, arrived: false }));
    } else if (entry.kind === 'message' || entry.kind === 'edit') {
      const { text } = entry;
      const action: Action =
        entry.kind === 'edit'
          ? { kind: 'edit', of: entry.of, text }
          : { kind: 'message', text, replyTo: entry.replyTo };
      next = [
        ...next,
        {
          id: entry.id,
          room: entry.room,
          action,
          state: 'withdrawn',
          tried: null,
          seen: null,
          arrived: false,
          failure: null,
          notBefore: 0,
        },
      ];
    }
  }
  return next;
}

function change(outbox: Outbox, id: string, edit: (pending: Pending) => Pending | null): Outbox {
  const index = outbox.findIndex((pending) => pending.id === id);
  const present = outbox[index];
  if (!present) return outbox;
  const changed = edit(present);
  if (changed === present) return outbox;
  return changed ? outbox.with(index, changed) : outbox.toSpliced(index, 1);
}
