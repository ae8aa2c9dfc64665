// What the server allows, as `ready` tells it. Unknown to the page before the first `ready`: then the defaults hold.

export interface Limits {
  readonly textBytes: number;
  readonly nameChars: number;
  readonly roomBytes: number;
  readonly titleChars: number;
  readonly rooms: number;
  readonly historyPage: number;
  /** A send with the same id is appended once within this time. */
  readonly dedupSeconds: number;
}

export const DEFAULT_LIMITS: Limits = {
  textBytes: 4_000,
  nameChars: 40,
  roomBytes: 64,
  titleChars: 80,
  rooms: 50,
  historyPage: 50,
  dedupSeconds: 60,
};

const encoder = new TextEncoder();

export function byteLength(text: string): number {
  return encoder.encode(text).length;
}
