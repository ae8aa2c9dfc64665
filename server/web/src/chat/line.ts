// The part of a room's log that is on the page: everything after `start` up to and with `cursor`, in order, with a
// visible mark wherever something cannot be had. `n` has no gaps within a stretch; a reset starts a new stretch, and
// what stands above it is of the past: shown, but no longer in the log.

import { isChange, type ChangeEntry, type Entry, type Gap, type LineEntry } from './entry';
import { previousPosition, samePosition, type Position } from './position';

export type Mark = { readonly type: 'entry'; readonly entry: LineEntry } | { readonly type: 'gap'; readonly gap: Gap };

export interface Line {
  readonly marks: readonly Mark[];
  /** Edits, deletions and reactions of the present stretch, in order. */
  readonly changes: readonly ChangeEntry[];
  /** Those of the past. */
  readonly pastChanges: readonly ChangeEntry[];
  readonly start: Position;
  readonly cursor: Position;
  /** Index of the first mark of the present stretch: what stands before is of the past. */
  readonly present: number;
  /** How many marks were put in front since the room was opened; lets a list keep its place. */
  readonly above: number;
  /** False once the server has said that it holds nothing older. */
  readonly more: boolean;
}

export function openLine(from: Position): Line {
  return { marks: [], changes: [], pastChanges: [], start: from, cursor: from, present: 0, above: 0, more: from.n > 0 };
}

/** Takes the next entry. One that is on the page already changes nothing. */
export function append(line: Line, entry: Entry): Line {
  const { position } = entry;
  if (position.n <= line.cursor.n) {
    if (position.epoch <= line.cursor.epoch) return line;
    return append(withdrawAfter(line, previousPosition(position)).line, entry);
  }
  let next = line;
  if (position.n > line.cursor.n + 1) {
    next = mark(next, { from: line.cursor, to: previousPosition(position), reason: 'missing' });
  }
  if (isChange(entry)) return { ...next, changes: [...next.changes, entry], cursor: position };
  return { ...next, marks: [...next.marks, { type: 'entry', entry }], cursor: position };
}

/** The server cannot give a range any more. What of it is on the page already stays there. */
export function mark(line: Line, gap: Gap): Line {
  if (gap.reason === 'reset') {
    const marks: Mark[] = [...line.marks, { type: 'gap', gap }];
    const pastChanges = [...line.pastChanges, ...line.changes];
    const present = marks.length;
    return { ...line, marks, changes: [], pastChanges, start: gap.to, cursor: gap.to, present, more: false };
  }
  if (gap.to.n <= line.cursor.n) return line;
  const marks: Mark[] = [...line.marks, { type: 'gap', gap: { ...gap, from: line.cursor } }];
  return { ...line, marks, cursor: gap.to };
}

/** Takes back what was seen after a position; `withdrawn` are the entries that go. */
export function withdrawAfter(line: Line, after: Position): { line: Line; withdrawn: readonly Entry[] } {
  if (after.n > line.cursor.n) return { line, withdrawn: [] };
  const withdrawn: Entry[] = [];
  const marks = line.marks.filter((each, index) => {
    if (index < line.present) return true;
    const stays = each.type === 'gap' ? each.gap.to.n <= after.n : each.entry.position.n <= after.n;
    if (!stays && each.type === 'entry') withdrawn.push(each.entry);
    return stays;
  });
  const changes = line.changes.filter((each) => {
    const stays = each.position.n <= after.n;
    if (!stays) withdrawn.push(each);
    return stays;
  });
  const start = line.start.n > after.n ? after : line.start;
  return { line: { ...line, marks, changes, start, cursor: after }, withdrawn };
}

/** Puts an older page in front. It must have been asked for with the `start` that the line has now. */
export function prepend(line: Line, start: Position, entries: readonly Entry[], more: boolean): Line {
  if (!samePosition(start, line.start)) return line;
  const first = entries[0];
  const last = entries.at(-1);
  if (!first || !last) return { ...line, more: false };
  const marks: Mark[] = [];
  const changes: ChangeEntry[] = [];
  for (const entry of entries) {
    if (isChange(entry)) changes.push(entry);
    else marks.push({ type: 'entry', entry });
  }
  if (last.position.n < line.start.n) {
    marks.push({ type: 'gap', gap: { from: last.position, to: line.start, reason: 'trimmed' } });
  }
  return {
    ...line,
    marks: [...marks, ...line.marks],
    changes: [...changes, ...line.changes],
    start: previousPosition(first.position),
    above: line.above + marks.length,
    more,
  };
}

/** Everything of the present stretch, in the order of the log: what a test compares with the log itself. */
export function presentEntries(line: Line): readonly Entry[] {
  const entries: Entry[] = [];
  for (const each of line.marks.slice(line.present)) if (each.type === 'entry') entries.push(each.entry);
  entries.push(...line.changes);
  return entries.sort((a, b) => a.position.n - b.position.n);
}
