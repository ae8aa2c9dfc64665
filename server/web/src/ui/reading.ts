import { useEffect, useSyncExternalStore } from 'react';
import { comparePositions } from '../chat/position';
import { caughtUp, type Room } from '../chat/room';
import { useSession } from './session-context';

/** Read is what stayed in sight for a moment, in milliseconds. */
const GLANCE_MS = 400;

/** What is not news (one's own messages, reactions) is said to be read with less haste. */
const CALM_MS = 2_000;

/** Tells the server how far one has read: to the end, while one looks at it. */
export function useReading(name: string, room: Room, atBottom: boolean): void {
  const session = useSession();
  const looking = useLooking();
  const cursor = room.line?.cursor ?? null;
  const behind = cursor !== null && cursor.n > 0 && (!room.read || comparePositions(cursor, room.read) > 0);
  const due = looking && atBottom && behind && caughtUp(room);
  const wait = room.unread > 0 ? GLANCE_MS : CALM_MS;
  useEffect(() => {
    if (!due) return;
    const timer = setTimeout(() => void session.read(name, cursor), wait);
    return () => clearTimeout(timer);
  }, [session, name, due, wait, cursor]);
  useEffect(() => {
    if (!looking) session.lookAway(name);
  }, [session, name, looking]);
}

function subscribe(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  addEventListener('focus', listener);
  addEventListener('blur', listener);
  return () => {
    document.removeEventListener('visibilitychange', listener);
    removeEventListener('focus', listener);
    removeEventListener('blur', listener);
  };
}

/** True while the page is in front of somebody. */
function useLooking(): boolean {
  return useSyncExternalStore(subscribe, () => document.visibilityState === 'visible' && document.hasFocus());
}
