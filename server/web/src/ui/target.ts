import type { MessageEntry } from '../chat/entry';

/** What the composer writes to: an answer to a message, or another text for one's own. */
export type Target =
  | { readonly type: 'reply'; readonly entry: MessageEntry }
  | { readonly type: 'edit'; readonly entry: MessageEntry; readonly text: string };
