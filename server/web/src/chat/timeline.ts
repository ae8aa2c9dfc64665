// The rows that a room's history shows, from top to bottom: one for each mark of the line, then what is still to be
// sent. Rows carry what their place asks for (a new day, the start of a group, the line "New").

import type { Gap, LineEntry, MessageEntry, User } from './entry';
import { fold, type Folded, type Folds } from './fold';
import type { Line } from './line';
import type { Outbox, Pending } from './outbox';
import { comparePositions, showPosition, type Position } from './position';
import type { Room } from './room';

/** `sending`: on the page but not acknowledged. `weak`: acknowledged while no replica held it. */
export type Delivery = 'done' | 'sending' | 'weak';

export interface EntryRow {
  readonly type: 'entry';
  readonly key: string;
  readonly entry: LineEntry;
  readonly folded: Folded | null;
  readonly delivery: Delivery;
  /** Stands before the last reset: no longer in the log, so it cannot be changed or answered. */
  readonly past: boolean;
  /** First of a run by one person. */
  readonly leads: boolean;
  /** First of a calendar day: midnight of it by this machine's clock. */
  readonly day: number | null;
  readonly firstNew: boolean;
  /** What this one answers, as it reads now; null without an answer. */
  readonly quote: Quote | null;
}

/** `author` is null where the answered message is not on the page. */
export interface Quote {
  readonly of: Position;
  readonly author: User | null;
  readonly text: string;
  readonly deleted: boolean;
}

export interface GapRow {
  readonly type: 'gap';
  readonly key: string;
  readonly gap: Gap;
}

export interface PendingRow {
  readonly type: 'pending';
  readonly key: string;
  readonly pending: Pending;
  readonly leads: boolean;
}

export type Row = EntryRow | GapRow | PendingRow;

export interface Timeline {
  readonly rows: readonly Row[];
  readonly folds: Folds;
  /** Index of the row with the line "New"; null without one. */
  readonly firstNew: number | null;
}

/** More of an answered message is not shown. */
const QUOTE_CHARS = 200;

const EMPTY: Timeline = { rows: [], folds: new Map(), firstNew: null };

/** Messages of one person this close together form a group, in milliseconds. */
const GROUP_MS = 5 * 60_000;

/** `skewMs`: the server's clock minus this machine's, so that days are those of the reader. */
export function timeline(room: Room, outbox: Outbox, me: User | null, skewMs: number): Timeline {
  const { line } = room;
  const own = outbox.filter((pending) => pending.room === room.name);
  if (!line && own.length === 0) return EMPTY;
  const folds = fold(line ? [...line.pastChanges, ...line.changes] : [], own, me);
  const rows: Row[] = [];
  const find = finder(line);
  let firstNew: number | null = null;
  let previous: LineEntry | null = null;
  let yesterday: number | null = null;
  const unacknowledged = new Set(own.filter((pending) => pending.arrived).map((pending) => pending.id));
  for (const [index, each] of (line?.marks ?? []).entries()) {
    if (each.type === 'gap') {
      rows.push({ type: 'gap', key: `gap ${showPosition(each.gap.from)} ${showPosition(each.gap.to)}`, gap: each.gap });
      previous = null;
      continue;
    }
    const { entry } = each;
    const place = showPosition(entry.position);
    const past = index < (line?.present ?? 0);
    const isNew: boolean =
      firstNew === null &&
      !past &&
      room.newAfter !== null &&
      entry.from.id !== me?.id &&
      comparePositions(entry.position, room.newAfter) > 0;
    if (isNew) firstNew = rows.length;
    const today = dayOf(entry.at - skewMs);
    const day = !previous || yesterday !== today ? today : null;
    yesterday = today;
    const mine = entry.from.id === me?.id;
    const leads: boolean = day !== null || isNew || !previous || !follows(previous, entry);
    rows.push({
      type: 'entry',
      key: rowKey(entry.from.id, entry.id),
      entry,
      folded: folds.get(place) ?? null,
      delivery:
        mine && unacknowledged.has(entry.id) ? 'sending' : mine && room.unreplicated.has(place) ? 'weak' : 'done',
      past,
      leads,
      day,
      firstNew: isNew,
      quote: entry.kind === 'message' && entry.replyTo ? quote(entry.replyTo, find, folds) : null,
    });
    previous = entry;
  }
  let author = previous?.from.id;
  for (const pending of own) {
    // A change shows at its message; one that is stuck needs a row for what becomes of it.
    const stuck = pending.state === 'failed' || pending.state === 'withdrawn';
    if (pending.arrived || (pending.action.kind !== 'message' && !stuck)) continue;
    const leads = author !== me?.id;
    rows.push({ type: 'pending', key: rowKey(me?.id ?? '', pending.id), pending, leads });
    author = me?.id;
  }
  return { rows, folds, firstNew };
}

/** Finds entries of a line by their place; most rooms never ask. */
function finder(line: Line | null): (key: string) => LineEntry | null {
  let entries: Map<string, LineEntry> | null = null;
  return (key) => {
    if (!entries) {
      entries = new Map();
      for (const mark of line?.marks ?? []) {
        if (mark.type === 'entry') entries.set(showPosition(mark.entry.position), mark.entry);
      }
    }
    return entries.get(key) ?? null;
  };
}

function quote(of: Position, find: (key: string) => LineEntry | null, folds: Folds): Quote {
  const key = showPosition(of);
  const entry = find(key);
  const folded = folds.get(key);
  const text = folded?.text ?? entry?.text ?? '';
  return { of, author: entry?.from ?? null, text: text.slice(0, QUOTE_CHARS), deleted: folded?.deleted ?? false };
}

/** The last message of one's own that can be changed, and how it reads now. */
export function lastOwn({ rows }: Timeline, me: User | null): { entry: MessageEntry; text: string } | null {
  for (const row of rows.toReversed()) {
    if (row.type !== 'entry' || row.past || row.entry.from.id !== me?.id || row.folded?.deleted) continue;
    if (row.entry.kind === 'message') return { entry: row.entry, text: row.folded?.text ?? row.entry.text };
  }
  return null;
}

/** The same for a message before and after it came back, so that its row stays the same row. */
function rowKey(author: string, id: string): string {
  return `${author} ${id}`;
}

function follows(previous: LineEntry, entry: LineEntry): boolean {
  return (
    previous.kind !== 'member' &&
    previous.from.id === entry.from.id &&
    entry.at - previous.at < GROUP_MS &&
    entry.kind === 'message' &&
    entry.replyTo === null
  );
}

function dayOf(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
