// A place in a room's log. `n` counts the entries of a room without gaps; the epoch rises when the log lost, or may
// have lost, some of them, so that one `n` never names two entries of one epoch.

export interface Position {
  readonly epoch: number;
  readonly n: number;
}

/** Stands before the first entry of any room. */
export const ORIGIN: Position = { epoch: 0, n: 0 };

const FORM = /^(\d{1,16})-(\d{1,16})$/;

/** Reads `"<epoch>-<n>"`; anything else, or a number of 2^53 and more, is null. */
export function parsePosition(text: unknown): Position | null {
  if (typeof text !== 'string') return null;
  const match = FORM.exec(text);
  if (!match) return null;
  const epoch = Number(match[1]);
  const n = Number(match[2]);
  return Number.isSafeInteger(epoch) && Number.isSafeInteger(n) ? { epoch, n } : null;
}

export function showPosition(position: Position): string {
  return `${position.epoch}-${position.n}`;
}

export function samePosition(a: Position | null, b: Position | null): boolean {
  return a === b || (!!a && !!b && a.epoch === b.epoch && a.n === b.n);
}

/** Negative when `a` stands before `b`: epochs rise along a log, and `n` within and over them. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.n - b.n;
}

/** The place right after `position`, in the same epoch. */
export function nextPosition(position: Position): Position {
  return { epoch: position.epoch, n: position.n + 1 };
}

/** The place right before `position`, in the same epoch. */
export function previousPosition(position: Position): Position {
  return { epoch: position.epoch, n: Math.max(0, position.n - 1) };
}
