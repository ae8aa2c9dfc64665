import { expect, test } from 'vitest';
import type { Entry, User } from './entry';
import type { ChatEvent } from './event';
import { DEFAULT_LIMITS } from './limits';
import type { Position } from './position';
import { reduce } from './reduce';
import { SIGNED_OUT, type ChatState } from './state';

const ME: User = { id: 'me', name: 'Ada' };
const GRACE: User = { id: 'g', name: 'Grace' };
const at = (n: number): Position => ({ epoch: 1, n });

function said(n: number, from: User): ChatEvent {
  const written = { room: 'r', position: at(n), at: n, id: `id${n}`, from };
  const entry: Entry = { ...written, kind: 'message', text: 'said', replyTo: null };
  return { type: 'entry', entry };
}

function liked(n: number): ChatEvent {
  const written = { room: 'r', position: at(n), at: n, id: `id${n}`, from: GRACE };
  return { type: 'entry', entry: { ...written, kind: 'react', of: at(1), emoji: '👍', remove: false } };
}

/** A stay after entry `from` in a room that ends with entry `tail`, of which the server counts `unread`. */
function stay(from: number, tail: number, read: number, unread: number, open: string | null = null): ChatState {
  const events: ChatEvent[] = [
    { type: 'wanted', room: 'r' },
    { type: 'opened', room: open },
    { type: 'ready', user: ME, limits: DEFAULT_LIMITS, recovered: false, rooms: [] },
    { type: 'joined', room: 'r', from: at(from) },
    {
      type: 'joinAnswered',
      room: 'r',
      title: 'r',
      isPrivate: false,
      role: null,
      from: at(from),
      tail: at(tail),
      online: 2,
      users: null,
      read: at(read),
      unread,
    },
  ];
  return events.reduce(reduce, SIGNED_OUT);
}

const unread = (state: ChatState) => state.rooms.get('r')?.unread;

test('only messages of others count, whatever the server counts', () => {
  const state = [said(1, GRACE), said(2, ME), liked(3), said(4, GRACE)].reduce(reduce, stay(0, 4, 1, 3));
  expect(unread(state)).toBe(1);
  expect(unread(reduce(state, said(5, GRACE)))).toBe(2);
  expect(unread(reduce(state, said(5, ME)))).toBe(1);
  expect(unread(reduce(state, { type: 'void', room: 'r', after: at(3) }))).toBe(0);
});

test('the server’s number holds where the page does not reach back far enough', () => {
  const state = [said(51, GRACE), said(52, GRACE)].reduce(reduce, stay(50, 52, 10, 42));
  expect(unread(state)).toBe(42);
  expect(unread(reduce(state, said(53, GRACE)))).toBe(43);
  expect(unread(reduce(state, { type: 'readAnswered', room: 'r', position: at(52), unread: 0 }))).toBe(0);
});

test('reading in another tab counts', () => {
  const state = [said(1, GRACE), said(2, GRACE)].reduce(reduce, stay(0, 2, 0, 2));
  expect(unread(reduce(state, { type: 'receipt', room: 'r', user: ME, position: at(2) }))).toBe(0);
  expect(unread(reduce(state, { type: 'receipt', room: 'r', user: GRACE, position: at(2) }))).toBe(2);
});

test('the line "New" stands for who comes back, not for who comes first', () => {
  expect(stay(0, 4, 2, 2, 'r').rooms.get('r')?.newAfter).toEqual(at(2));
  expect(stay(0, 4, 0, 4, 'r').rooms.get('r')?.newAfter).toBeNull();
});
