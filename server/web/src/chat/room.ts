// One room as this page sees it.

import { isChange, type Entry, type Gap, type Role, type User } from './entry';
import type { Failure } from './failure';
import { append, mark, openLine, prepend, withdrawAfter, type Line } from './line';
import { comparePositions, type Position } from './position';

export type RoomStage =
  /** Wanted; the server has not been asked in this session. */
  | 'idle'
  | 'joining'
  /** Entries follow by themselves. */
  | 'live'
  /** The server said no. */
  | 'refused';

export interface Room {
  readonly name: string;
  readonly title: string;
  readonly isPrivate: boolean;
  /** What one may do in a private room. */
  readonly role: Role | null;
  readonly stage: RoomStage;
  readonly failure: Failure | null;
  /** Null until the first stay has begun. */
  readonly line: Line | null;
  /** The newest entry when the stay began: the room has caught up once the line reaches it. */
  readonly tail: Position | null;
  /** True once the server has answered a join: what it tells later is not the first impression. */
  readonly met: boolean;
  readonly paging: boolean;
  readonly read: Position | null;
  readonly unread: number;
  /** Where the line "New" stands: the first entry after this was unread when the room was opened. */
  readonly newAfter: Position | null;
  readonly online: number;
  /** Null in rooms of more than the server lists. */
  readonly users: readonly User[] | null;
  /** Who is typing, and until when by this machine's clock that is believed. */
  readonly typing: ReadonlyMap<string, { readonly user: User; readonly until: number }>;
  /** How far others have read, by user id. */
  readonly receipts: ReadonlyMap<string, { readonly user: User; readonly position: Position }>;
  /** Entries that were acknowledged while no replica held them. */
  readonly unreplicated: ReadonlySet<string>;
}

/** Receipts are kept for so many members; more would say nothing to a reader. */
const RECEIPTS_MAX = 100;

/** So long a "typing" is believed without another one, in milliseconds. */
export const TYPING_MS = 6_000;

export function newRoom(name: string): Room {
  return {
    name,
    title: name,
    isPrivate: false,
    role: null,
    stage: 'idle',
    failure: null,
    line: null,
    tail: null,
    met: false,
    paging: false,
    read: null,
    unread: 0,
    newAfter: null,
    online: 0,
    users: null,
    typing: new Map(),
    receipts: new Map(),
    unreplicated: new Set(),
  };
}

/** True when the line holds everything that the room had when the stay began. */
export function caughtUp(room: Room): boolean {
  if (room.stage !== 'live' || !room.line) return false;
  return !room.tail || room.line.cursor.n >= room.tail.n || comparePositions(room.line.cursor, room.tail) >= 0;
}

export function beginStay(room: Room, from: Position): Room {
  return room.line ? room : { ...room, line: openLine(from) };
}

export function receiveEntry(room: Room, entry: Entry, me: User | null): Room {
  if (!room.line) return room;
  const line = append(room.line, entry);
  if (line === room.line) return room;
  const counted = room.tail !== null && comparePositions(entry.position, room.tail) <= 0;
  const news = !counted && !isChange(entry) && entry.from.id !== me?.id;
  const typing = dropTyping(room.typing, entry.from.id);
  return count({ ...room, line, typing, unread: news ? room.unread + 1 : room.unread }, me);
}

export function receiveGap(room: Room, gap: Gap): Room {
  if (!room.line) return room;
  const next = { ...room, line: mark(room.line, gap) };
  if (gap.reason !== 'reset') return next;
  return { ...next, read: null, newAfter: null, paging: false, receipts: new Map(), unreplicated: new Set() };
}

export function receiveVoid(room: Room, after: Position, me: User | null): { room: Room; withdrawn: readonly Entry[] } {
  if (!room.line) return { room, withdrawn: [] };
  const { line, withdrawn } = withdrawAfter(room.line, after);
  // An end that is withdrawn is not waited for.
  const tail = room.tail && room.tail.n > after.n ? after : room.tail;
  return { room: count({ ...room, line, tail }, me), withdrawn };
}

export function receivePage(room: Room, start: Position, entries: readonly Entry[], more: boolean): Room {
  if (!room.line) return { ...room, paging: false };
  return { ...room, paging: false, line: prepend(room.line, start, entries, more) };
}

export function receiveTyping(room: Room, user: User, typing: boolean, now: number): Room {
  if (!typing) return { ...room, typing: dropTyping(room.typing, user.id) };
  return { ...room, typing: new Map(room.typing).set(user.id, { user, until: now + TYPING_MS }) };
}

/** Forgets those who were typing and have not said so for a while. */
export function expireTyping(room: Room, now: number): Room {
  const lively = [...room.typing].filter(([, each]) => each.until > now);
  return lively.length === room.typing.size ? room : { ...room, typing: new Map(lively) };
}

export function receiveReceipt(room: Room, user: User, position: Position, me: User | null): Room {
  if (user.id === me?.id) return advanceRead(room, position, null, me);
  const known = room.receipts.get(user.id);
  if (known && comparePositions(known.position, position) >= 0) return room;
  if (!known && room.receipts.size >= RECEIPTS_MAX) return room;
  return { ...room, receipts: new Map(room.receipts).set(user.id, { user, position }) };
}

/** One's own reading went on, here or in another tab; `unread` is the server's count of entries, if it told. */
export function advanceRead(room: Room, position: Position, unread: number | null, me: User | null): Room {
  const forward = !room.read || comparePositions(position, room.read) > 0;
  return count({ ...room, read: forward ? position : room.read, unread: unread ?? room.unread }, me);
}

/**
 * Counts what is unread: messages of others. The server counts entries of every kind, so its number is kept only while
 * the line does not reach back to where one has read.
 */
export function count(room: Room, me: User | null): Room {
  const { line, read } = room;
  if (!line || !caughtUp(room)) return room;
  if (!read || !covers(room, read)) return room;
  let unread = 0;
  for (let index = line.marks.length - 1; index >= line.present; index -= 1) {
    const mark = line.marks[index];
    if (mark?.type !== 'entry') continue;
    if (comparePositions(mark.entry.position, read) <= 0) break;
    if (mark.entry.from.id !== me?.id) unread += 1;
  }
  return unread === room.unread ? room : { ...room, unread };
}

function dropTyping(typing: Room['typing'], id: string): Room['typing'] {
  if (!typing.has(id)) return typing;
  const next = new Map(typing);
  next.delete(id);
  return next;
}

/** True when everything after `position` is on the page, with no gap: what is not there is not in the log. */
export function covers(room: Room, position: Position): boolean {
  const { line } = room;
  if (!line || comparePositions(line.start, position) > 0) return false;
  return !line.marks.some((each) => each.type === 'gap' && comparePositions(each.gap.to, position) > 0);
}
