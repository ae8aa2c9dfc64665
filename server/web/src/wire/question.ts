// What one does, as the event and the argument that the server is sent.

import type { Action } from '../chat/outbox';
import { showPosition } from '../chat/position';

export function question(room: string, id: string, action: Action): [event: string, question: object] {
  switch (action.kind) {
    case 'message': {
      const reply = action.replyTo ? { reply_to: showPosition(action.replyTo) } : {};
      return ['send', { room, id, text: action.text, ...reply }];
    }
    case 'edit':
      return ['edit', { room, id, of: showPosition(action.of), text: action.text }];
    case 'delete':
      return ['delete', { room, id, of: showPosition(action.of) }];
    case 'react': {
      const remove = action.remove ? { remove: true } : {};
      return ['react', { room, id, of: showPosition(action.of), emoji: action.emoji, ...remove }];
    }
  }
}

/** An id for a send: 96 random bits, the same for each of its tries. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
