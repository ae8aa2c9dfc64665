// Everything that can happen to the chat: what the server says, what the connection does, and what a person does.

import type { Entry, Gap, Role, User } from './entry';
import type { Failure } from './failure';
import type { Limits } from './limits';
import type { Action } from './outbox';
import type { Position } from './position';

/** One of the server's rooms, as its list tells. */
export interface ListedRoom {
  readonly room: string;
  readonly title: string;
  readonly isPrivate: boolean;
  readonly member: boolean;
  readonly online: number;
  readonly unread: number;
}

export type ServerEvent =
  | {
      readonly type: 'ready';
      readonly user: User;
      readonly limits: Limits;
      readonly recovered: boolean;
      readonly rooms: readonly { readonly room: string; readonly position: Position }[];
    }
  | { readonly type: 'joined'; readonly room: string; readonly from: Position }
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'gap'; readonly room: string; readonly gap: Gap }
  | { readonly type: 'void'; readonly room: string; readonly after: Position }
  | {
      readonly type: 'presence';
      readonly room: string;
      readonly online: number;
      readonly users: readonly User[] | null;
    }
  | {
      readonly type: 'typing';
      readonly room: string;
      readonly user: User;
      readonly typing: boolean;
      readonly now: number;
    }
  | { readonly type: 'receipt'; readonly room: string; readonly user: User; readonly position: Position }
  /** What a private room is to oneself has changed; without a role one is no member any more. */
  | {
      readonly type: 'membership';
      readonly room: string;
      readonly title: string;
      readonly role: Role | null;
      readonly from: User;
    };

export type AnswerEvent =
  | {
      readonly type: 'joinAnswered';
      readonly room: string;
      readonly title: string;
      readonly isPrivate: boolean;
      readonly role: Role | null;
      readonly from: Position;
      readonly tail: Position;
      readonly online: number;
      readonly users: readonly User[] | null;
      readonly read: Position | null;
      readonly unread: number;
    }
  | { readonly type: 'joinRefused'; readonly room: string; readonly failure: Failure }
  | { readonly type: 'joinUnanswered'; readonly room: string }
  | { readonly type: 'listed'; readonly rooms: readonly ListedRoom[] }
  | {
      readonly type: 'paged';
      readonly room: string;
      readonly start: Position;
      readonly entries: readonly Entry[];
      readonly more: boolean;
    }
  | { readonly type: 'pageFailed'; readonly room: string }
  | { readonly type: 'readAnswered'; readonly room: string; readonly position: Position; readonly unread: number }
  | { readonly type: 'acknowledged'; readonly id: string; readonly position: Position; readonly replicated: boolean }
  | {
      readonly type: 'sendRefused';
      readonly id: string;
      readonly failure: Failure;
      /** When to try again by this machine's clock; null where a person has to decide. */
      readonly notBefore: number | null;
    }
  | { readonly type: 'sendUnanswered'; readonly id: string };

export type LinkEvent =
  | { readonly type: 'connecting' }
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected' }
  | { readonly type: 'rejected'; readonly failure: Failure }
  | { readonly type: 'signedOut' }
  /** The server's clock minus this machine's, in milliseconds. */
  | { readonly type: 'clockCompared'; readonly skewMs: number };

export type OwnEvent =
  | { readonly type: 'opened'; readonly room: string | null }
  /** The page with the open room is no longer in front: what comes from here on is new. */
  | { readonly type: 'lookedAway'; readonly room: string }
  | { readonly type: 'wanted'; readonly room: string }
  | { readonly type: 'left'; readonly room: string }
  | { readonly type: 'joining'; readonly room: string }
  | { readonly type: 'paging'; readonly room: string }
  | { readonly type: 'composed'; readonly id: string; readonly room: string; readonly action: Action }
  | { readonly type: 'attempted'; readonly id: string; readonly now: number }
  | { readonly type: 'retried'; readonly id: string }
  | { readonly type: 'discarded'; readonly id: string }
  | { readonly type: 'ticked'; readonly now: number };

export type ChatEvent = ServerEvent | AnswerEvent | LinkEvent | OwnEvent;
