// Whatever the protocol allows to happen to a room and to the connection, the page ends with the room's log.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from './entry';
import { DEFAULT_LIMITS } from './limits';
import { presentEntries } from './line';
import { ModelRoom, type Delivery } from './model-room';
import { nextPosition, showPosition, type Position } from './position';
import { reduce } from './reduce';
import { caughtUp } from './room';
import { SIGNED_OUT, type ChatState } from './state';

const ME = { id: 'me', name: 'Ada' };
const ROOM = 'general';

type Step =
  | { readonly do: 'append'; readonly count: number; readonly change: boolean; readonly mine: boolean }
  | { readonly do: 'deliver'; readonly count: number }
  | { readonly do: 'rollBack'; readonly count: number }
  | { readonly do: 'trim'; readonly count: number }
  | { readonly do: 'reset'; readonly restart: boolean }
  | { readonly do: 'reconnect'; readonly how: Reconnect }
  | { readonly do: 'ask' }
  | { readonly do: 'answer' };

/** How a session comes back: anew, where it was, with some entries repeated, or (wrongly) with some left out. */
type Reconnect = 'fresh' | 'recovered' | 'behind' | 'ahead';

const count = fc.integer({ min: 1, max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append'), count, change: fc.boolean(), mine: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver'), count }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rollBack'), count }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trim'), count }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset'), restart: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('reconnect'),
      how: fc.constantFrom<Reconnect>('fresh', 'recovered', 'behind', 'ahead'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ask') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer') }) },
);

class Page {
  state: ChatState = reduce(SIGNED_OUT, { type: 'wanted', room: ROOM });
  asked: { start: Position; entries: readonly Entry[]; more: boolean } | null = null;

  get room() {
    const room = this.state.rooms.get(ROOM);
    if (!room) throw new Error('the room is gone');
    return room;
  }

  hear(delivery: Delivery): void {
    const before = this.room.line;
    this.state = reduce(this.state, delivery);
    const { line } = this.room;
    const known = before && presentEntries(before).map(name);
    if (delivery.type === 'entry' && known?.includes(name(delivery.entry))) expect(line).toBe(before);
    // What is of the past stays as it is, and its end is said.
    if (line && line.present > 0) expect(line.marks[line.present - 1]).toMatchObject({ gap: { reason: 'reset' } });
  }

  connect(server: ModelRoom, how: Reconnect): void {
    this.state = reduce(this.state, { type: 'disconnected' });
    this.state = reduce(this.state, { type: 'connected' });
    const { line } = this.room;
    this.asked = null;
    const rooms = [];
    if (line && how !== 'fresh') {
      const { epoch, n } = line.cursor;
      const moved = how === 'ahead' ? n + 2 : how === 'behind' ? Math.max(line.start.n, n - 5) : n;
      rooms.push({ room: ROOM, position: { epoch, n: moved } });
      server.follow({ epoch, n: moved });
    }
    const recovered = rooms.length > 0;
    this.state = reduce(this.state, { type: 'ready', user: ME, limits: DEFAULT_LIMITS, recovered, rooms });
    expect(this.room.stage).toBe(how === 'fresh' || how === 'ahead' || !line ? 'idle' : 'live');
    if (this.room.stage === 'live') return;
    const from = line ? line.cursor : server.place(2);
    server.follow(from);
    this.state = reduce(this.state, { type: 'joining', room: ROOM });
    this.state = reduce(this.state, { type: 'joined', room: ROOM, from });
    if (line) expect(this.room.line).toBe(line);
    this.state = reduce(this.state, {
      type: 'joinAnswered',
      room: ROOM,
      title: ROOM,
      isPrivate: false,
      role: null,
      from,
      tail: server.tail(),
      online: 1,
      users: [ME],
      read: null,
      unread: 0,
    });
  }

  /** The server looks when it is asked; the answer comes later, after other things may have happened. */
  ask(server: ModelRoom): void {
    const { line } = this.room;
    if (!line?.more || this.asked) return;
    this.asked = { start: line.start, ...server.history(nextPosition(line.start), 3) };
  }

  answer(): void {
    if (this.asked) this.state = reduce(this.state, { type: 'paged', room: ROOM, ...this.asked });
    this.asked = null;
  }
}

function take(server: ModelRoom, page: Page, each: Step): void {
  switch (each.do) {
    case 'append':
      return server.append(each.count, each.change, each.mine ? ME : { id: 'other', name: 'Grace' });
    case 'deliver':
      for (let i = 0; i < each.count; i += 1) {
        const delivery = server.next();
        if (delivery) page.hear(delivery);
      }
      return;
    case 'rollBack':
      return server.rollBack(each.count);
    case 'trim':
      return server.trim(each.count);
    case 'reset':
      return server.reset(each.restart);
    case 'reconnect':
      return page.connect(server, each.how);
    case 'ask':
      return page.ask(server);
    case 'answer':
      return page.answer();
  }
}

function run(steps: readonly Step[]): void {
  const server = new ModelRoom(ROOM);
  server.append(4, false, ME);
  const page = new Page();
  page.connect(server, 'fresh');
  for (const each of steps) take(server, page, each);
  page.connect(server, 'fresh');
  for (let delivery = server.next(); delivery; delivery = server.next()) page.hear(delivery);

  const { room } = page;
  const { line } = room;
  if (!line) throw new Error('no line');
  expect(caughtUp(room)).toBe(true);
  expect(line.cursor.n).toBe(server.tail().n);
  const gaps = line.marks.slice(line.present).flatMap((mark) => (mark.type === 'gap' ? [mark.gap] : []));
  const wanted = server.log.filter(
    ({ position: { n } }) => n > line.start.n && !gaps.some((gap) => n > gap.from.n && n <= gap.to.n),
  );
  expect(presentEntries(line).map(name)).toEqual(wanted.map(name));
  // A gap is shown only where the server has said so.
  for (const gap of gaps) expect([gap.reason, gap.to.n > gap.from.n]).toEqual(['trimmed', true]);
  // Nothing that was shown and is still in the log is missing from a page that goes on upwards.
  for (let pages = 0; pages < 200 && page.room.line?.more; pages += 1) {
    page.ask(server);
    page.answer();
  }
  const all = page.room.line;
  if (!all) throw new Error('no line');
  const numbers = all.marks
    .slice(all.present)
    .map((mark) => (mark.type === 'gap' ? mark.gap.to.n : mark.entry.position.n));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  const kept = server.log.filter(({ position: { n } }) => n > server.trimmed);
  expect(presentEntries(all).map(name)).toEqual(expect.arrayContaining(kept.map(name)));
}

function name(entry: { readonly id: string; readonly position: Position }): string {
  return `${showPosition(entry.position)} ${entry.id}`;
}

test('any order of events ends in the log of the room', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => run(steps)),
    { numRuns: 3_000 },
  );
});
