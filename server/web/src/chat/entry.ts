// What a room's log holds. Messages are shown on lines of their own; edits, deletions and reactions change how an
// earlier entry is shown.

import type { Position } from './position';

export interface User {
  readonly id: string;
  readonly name: string;
}

interface Written {
  readonly room: string;
  readonly position: Position;
  /** Milliseconds since 1970 by the server's clock. */
  readonly at: number;
  /** Chosen by the client that sent it; the same for every try. */
  readonly id: string;
  readonly from: User;
}

export interface MessageEntry extends Written {
  readonly kind: 'message';
  readonly text: string;
  readonly replyTo: Position | null;
}

/** An entry of an application's own kind, which this page can name but not show. */
export interface CustomEntry extends Written {
  readonly kind: 'custom';
  readonly name: string;
  readonly text: string;
}

export const ROLES = ['owner', 'admin', 'member', 'reader'] as const;

/** What a member of a private room may do. */
export type Role = (typeof ROLES)[number];

export interface Member extends User {
  readonly role: Role;
}

/** The members of a private room have changed; `from` is who did it. */
export interface MemberEntry extends Written {
  readonly kind: 'member';
  readonly change: 'invite' | 'kick' | 'role';
  readonly user: User;
  readonly role: Role | null;
  /** Nothing: there to be read like that of the others. */
  readonly text: string;
}

export interface EditEntry extends Written {
  readonly kind: 'edit';
  readonly of: Position;
  readonly text: string;
}

export interface DeleteEntry extends Written {
  readonly kind: 'delete';
  readonly of: Position;
}

export interface ReactEntry extends Written {
  readonly kind: 'react';
  readonly of: Position;
  readonly emoji: string;
  readonly remove: boolean;
}

export type LineEntry = MessageEntry | CustomEntry | MemberEntry;
export type ChangeEntry = EditEntry | DeleteEntry | ReactEntry;
export type Entry = LineEntry | ChangeEntry;

export function isChange(entry: Entry): entry is ChangeEntry {
  return entry.kind === 'edit' || entry.kind === 'delete' || entry.kind === 'react';
}

/** `trimmed`: too old to be kept. `reset`: the log started anew. `missing`: the server skipped it without a word. */
export type GapReason = 'trimmed' | 'reset' | 'missing';

/** The entries after `from` up to and with `to` cannot be had any more. */
export interface Gap {
  readonly from: Position;
  readonly to: Position;
  readonly reason: GapReason;
}
