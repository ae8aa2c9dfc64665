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
  textBytes: 16_000,
  nameChars: 64,
  roomBytes: 128,
  titleChars: 128,
  rooms: 200,
  historyPage: 100,
  dedupSeconds: 60,
};

const encoder = new TextEncoder();

export function byteLength(text: string): number {
  return encoder.encode(text).length;
}
