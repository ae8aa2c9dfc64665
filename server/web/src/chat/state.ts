// The whole of what the page knows. Plain data: no sockets, no storage, no clock.

import type { User } from './entry';
import type { ListedRoom } from './event';
import type { Failure } from './failure';
import { DEFAULT_LIMITS, type Limits } from './limits';
import type { Outbox } from './outbox';
import { caughtUp, type Room } from './room';

export type Link =
  /** Nobody has signed in. */
  | { readonly phase: 'signedOut'; readonly failure: Failure | null }
  /** No connection; `tries` counts the attempts since the last one. */
  | { readonly phase: 'offline'; readonly tries: number }
  /** The transport stands; the server has not said `ready` yet. */
  | { readonly phase: 'greeting' }
  | { readonly phase: 'ready' };

export interface ChatState {
  readonly link: Link;
  /** True after the first `ready`: what is on the page may be old, but it is there. */
  readonly greeted: boolean;
  readonly me: User | null;
  readonly limits: Limits;
  /** The rooms that this page is in or wants to be in. */
  readonly rooms: ReadonlyMap<string, Room>;
  /** The server's list; null until it has come. */
  readonly listed: readonly ListedRoom[] | null;
  readonly outbox: Outbox;
  readonly open: string | null;
  /** The server's clock minus this machine's, in milliseconds; 0 while they agree well enough. */
  readonly skewMs: number;
  /** What acknowledgements said of copies so far: where none was ever replicated, that is how this server is. */
  readonly copies: 'unknown' | 'single' | 'replicated';
}

export const SIGNED_OUT: ChatState = {
  link: { phase: 'signedOut', failure: null },
  greeted: false,
  me: null,
  limits: DEFAULT_LIMITS,
  rooms: new Map(),
  listed: null,
  outbox: [],
  open: null,
  skewMs: 0,
  copies: 'unknown',
};

/** What a person is told about the connection. */
export type Health = 'signedOut' | 'connecting' | 'live' | 'recovering' | 'offline';

export function health(state: ChatState): Health {
  switch (state.link.phase) {
    case 'signedOut':
      return 'signedOut';
    case 'offline':
      return state.greeted || state.link.tries > 0 ? 'offline' : 'connecting';
    case 'greeting':
      return state.greeted ? 'recovering' : 'connecting';
    case 'ready': {
      for (const room of state.rooms.values()) {
        if (room.line && room.stage !== 'refused' && !caughtUp(room)) return 'recovering';
      }
      return 'live';
    }
  }
}
