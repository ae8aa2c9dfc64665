import { useEffect } from 'react';
import { newRoom } from '../chat/room';
import { inLetters, useRoomTitle } from './room-title';
import { useChat } from './session-context';

/** The tab's title: unread messages, room, name of the page. */
export function usePageTitle(room: string | null): void {
  const unread = useChat((state) => {
    let sum = 0;
    for (const each of state.rooms.values()) sum += each.unread;
    return sum;
  });
  const title = useRoomTitle();
  const shown = useChat((state) => (room === null ? null : state.rooms.get(room)));
  const named = room === null ? null : (shown ?? newRoom(room));
  const words = named ? `${inLetters(named, title(named))} · ` : '';
  useEffect(() => {
    const count = unread > 0 ? `(${unread > 99 ? '99+' : unread}) ` : '';
    document.title = `${count}${words}ChatCluster`;
    return () => {
      document.title = 'ChatCluster';
    };
  }, [unread, words]);
}
