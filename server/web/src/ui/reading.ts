import { useEffect, useSyncExternalStore } from 'react';
import { comparePositions } from '../chat/position';
import { caughtUp, type Room } from '../chat/room';
import { useSession } from './session-context';

/** Read is what stayed in sight for a moment, in milliseconds. */
const GLANCE_MS = 400;

/** Tells the server how far one has read: to the end, while one looks at it. */
export function useReading(name: string, room: Room, atBottom: boolean): void {
  const session = useSession();
  const looking = useLooking();
  const cursor = room.line?.cursor ?? null;
  const behind = cursor !== null && cursor.n > 0 && (!room.read || comparePositions(cursor, room.read) > 0);
  const due = looking && atBottom && behind && caughtUp(room) && (room.unread > 0 || !room.read);
  useEffect(() => {
    if (!due) return;
    const timer = setTimeout(() => void session.read(name, cursor), GLANCE_MS);
    return () => clearTimeout(timer);
  }, [session, name, due, cursor]);
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
