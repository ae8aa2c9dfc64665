// Over any link, every send ends in the log once, and the sends of a room keep their order.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from './entry';
import type { Failure } from './failure';
import {
  acknowledge,
  arrive,
  attempt,
  compose,
  discard,
  nextToSend,
  refuse,
  retry,
  unanswered,
  withdraw,
} from './outbox';
import type { Outbox } from './outbox';

const ROOM = 'general';
const BUSY: Failure = { code: 'unavailable', message: 'busy', retryAfterMs: null };
const NEVER: Failure = { code: 'invalid', message: 'no', retryAfterMs: null };

type Step = 'compose' | 'send' | 'reach' | 'entry' | 'answer' | 'busy' | 'cut' | 'withdraw';

const step = fc.constantFrom<Step>(
  'compose',
  'compose',
  'send',
  'send',
  'reach',
  'entry',
  'answer',
  'busy',
  'cut',
  'withdraw',
);

/** A server that appends an id once, behind a link that can be cut at any moment. */
class World {
  outbox: Outbox = [];
  readonly composed: string[] = [];
  log: Entry[] = [];
  /** On its way to the server, then (once there) its answer on the way back. */
  #flight: { id: string; there: boolean } | null = null;
  #shown = 0;

  take(step: Step): void {
    switch (step) {
      case 'compose': {
        const id = `id${this.composed.length}`;
        this.composed.push(id);
        this.outbox = compose(this.outbox, id, ROOM, { kind: 'message', text: id, replyTo: null });
        return;
      }
      case 'send': {
        const next = nextToSend(this.outbox, ROOM);
        if (!next || this.#flight) return;
        this.outbox = attempt(this.outbox, next.id, 0, null);
        this.#flight = { id: next.id, there: false };
        return;
      }
      case 'reach': {
        if (!this.#flight || this.#flight.there) return;
        const { id } = this.#flight;
        this.#flight.there = true;
        if (!this.log.some((entry) => entry.id === id)) this.log.push(entryOf(id, this.log.length + 1));
        return;
      }
      case 'entry': {
        const entry = this.log[this.#shown];
        if (!entry) return;
        this.#shown += 1;
        this.outbox = arrive(this.outbox, entry);
        return;
      }
      case 'answer': {
        if (!this.#flight?.there) return;
        this.outbox = acknowledge(this.outbox, this.#flight.id);
        this.#flight = null;
        return;
      }
      case 'busy': {
        if (!this.#flight || this.#flight.there) return;
        this.outbox = refuse(this.outbox, this.#flight.id, BUSY, 0);
        this.#flight = null;
        return;
      }
      case 'cut':
        this.#flight = null;
        this.outbox = unanswered(this.outbox, null);
        return;
      case 'withdraw': {
        // The end of the log is lost; a person asks for what is theirs to be sent again.
        const lost = this.log.slice(-1);
        if (this.#flight || lost.length === 0 || this.#shown < this.log.length) return;
        this.log = this.log.slice(0, -1);
        this.#shown = this.log.length;
        this.outbox = withdraw(this.outbox, lost);
        for (const { id } of lost) this.outbox = retry(this.outbox, id);
        return;
      }
    }
  }

  settle(): void {
    this.take('cut');
    for (let turn = 0; turn < 4 * this.composed.length + 4; turn += 1) {
      for (const each of ['send', 'reach', 'answer', 'entry'] as const) this.take(each);
    }
  }
}

function entryOf(id: string, n: number): Entry {
  return {
    room: ROOM,
    position: { epoch: 1, n },
    at: 0,
    id,
    from: { id: 'me', name: 'Ada' },
    kind: 'message',
    text: id,
    replyTo: null,
  };
}

test('every send ends in the log once, and nothing stays behind', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const world = new World();
      for (const each of steps) world.take(each);
      world.settle();
      expect(world.outbox).toEqual([]);
      const ids = world.log.map((entry) => entry.id);
      expect(ids.toSorted()).toEqual(world.composed.toSorted());
      if (!steps.includes('withdraw')) expect(ids).toEqual(world.composed);
    }),
    { numRuns: 2_000 },
  );
});

test('what the server refuses waits for a person and holds up nobody', () => {
  let outbox = compose([], 'a', ROOM, { kind: 'message', text: 'a', replyTo: null });
  outbox = compose(outbox, 'b', ROOM, { kind: 'message', text: 'b', replyTo: null });
  outbox = refuse(attempt(outbox, 'a', 0, null), 'a', NEVER, null);
  expect(outbox[0]).toMatchObject({ state: 'failed', failure: NEVER });
  expect(nextToSend(outbox, ROOM)?.id).toBe('b');
  expect(nextToSend(retry(outbox, 'a'), ROOM)?.id).toBe('a');
  expect(discard(outbox, 'a').map((pending) => pending.id)).toEqual(['b']);
});

test('what was shown and then withdrawn keeps its words', () => {
  const outbox = withdraw([], [entryOf('a', 3)]);
  expect(outbox).toMatchObject([{ id: 'a', state: 'withdrawn', action: { text: 'a' } }]);
  expect(arrive(outbox, entryOf('a', 4))).toEqual([]);
});
