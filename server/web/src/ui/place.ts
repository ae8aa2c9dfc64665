// Where the page is, as the address says: `#/room` or `#/room/position`. Anybody can send such an address around.

import { useSyncExternalStore } from 'react';
import { parsePosition, showPosition, type Position } from '../chat/position';

export interface Place {
  readonly room: string | null;
  readonly position: Position | null;
}

export function parsePlace(hash: string): Place {
  const [room = '', position = ''] = hash.replace(/^#\/?/, '').split('/');
  try {
    return { room: decodeURIComponent(room) || null, position: parsePosition(position) };
  } catch {
    return { room: null, position: null };
  }
}

export function showPlace(room: string | null, position: Position | null = null): string {
  if (room === null) return '#/';
  return `#/${encodeURIComponent(room)}${position ? `/${showPosition(position)}` : ''}`;
}

export function goTo(room: string | null, position: Position | null = null): void {
  const hash = showPlace(room, position);
  // Going to where one is already means: show it again.
  if (location.hash === hash) dispatchEvent(new HashChangeEvent('hashchange'));
  else location.hash = hash;
}

/** The whole address of a message, to be sent to somebody. */
export function linkTo(room: string, position: Position): string {
  return new URL(showPlace(room, position), location.href).href;
}

let known: Place | null = null;

addEventListener('hashchange', () => {
  known = null;
});

function snapshot(): Place {
  known ??= parsePlace(location.hash);
  return known;
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

/** A new object each time that somebody goes somewhere, even to the same place. */
export function usePlace(): Place {
  return useSyncExternalStore(subscribe, snapshot);
}
