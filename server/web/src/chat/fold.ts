// How edits, deletions and reactions change what stands on a line. The last word by the order of the log wins, so the
// result does not depend on when an older page was loaded.

import type { ChangeEntry, User } from './entry';
import type { Pending } from './outbox';
import { showPosition } from './position';

export interface Reaction {
  readonly emoji: string;
  readonly users: readonly User[];
}

export interface Folded {
  /** The text of the last edit. */
  readonly text: string | null;
  readonly editedAt: number | null;
  readonly deleted: boolean;
  readonly reactions: readonly Reaction[];
  /** True while a change of one's own is on its way. */
  readonly pending: boolean;
}

export type Folds = ReadonlyMap<string, Folded>;

interface Draft {
  text: string | null;
  editedAt: number | null;
  deleted: boolean;
  reactions: Map<string, Map<string, User>>;
  pending: boolean;
}

/** `changes` in the order of the log; `pending` are one's own that have not come back yet, applied on top. */
export function fold(changes: readonly ChangeEntry[], pending: readonly Pending[], me: User | null): Folds {
  const drafts = new Map<string, Draft>();
  for (const change of changes) {
    const draft = draftOf(drafts, showPosition(change.of));
    switch (change.kind) {
      case 'edit':
        draft.text = change.text;
        draft.editedAt = change.at;
        break;
      case 'delete':
        draft.deleted = true;
        break;
      case 'react':
        react(draft, change.emoji, change.from, change.remove);
        break;
    }
  }
  for (const { action, state } of pending) {
    if (action.kind === 'message' || state === 'failed' || state === 'withdrawn') continue;
    const draft = draftOf(drafts, showPosition(action.of));
    draft.pending = true;
    if (action.kind === 'edit') draft.text = action.text;
    else if (action.kind === 'delete') draft.deleted = true;
    else if (me) react(draft, action.emoji, me, action.remove);
  }
  const folds = new Map<string, Folded>();
  for (const [key, { reactions, ...rest }] of drafts) {
    const shown = [...reactions].filter(([, users]) => users.size > 0);
    folds.set(key, { ...rest, reactions: shown.map(([emoji, users]) => ({ emoji, users: [...users.values()] })) });
  }
  return folds;
}

function draftOf(drafts: Map<string, Draft>, key: string): Draft {
  const known = drafts.get(key);
  if (known) return known;
  const draft: Draft = { text: null, editedAt: null, deleted: false, reactions: new Map(), pending: false };
  drafts.set(key, draft);
  return draft;
}

function react(draft: Draft, emoji: string, user: User, remove: boolean): void {
  const users = draft.reactions.get(emoji) ?? new Map<string, User>();
  if (remove) users.delete(user.id);
  else users.set(user.id, user);
  draft.reactions.set(emoji, users);
}
