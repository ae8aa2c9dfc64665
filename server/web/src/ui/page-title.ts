import { useEffect } from 'react';
import { useChat } from './session-context';

/** The tab's title: unread messages, room, name of the page. */
export function usePageTitle(room: string | null): void {
  const unread = useChat((state) => {
    let sum = 0;
    for (const each of state.rooms.values()) sum += each.unread;
    return sum;
  });
  useEffect(() => {
    const count = unread > 0 ? `(${unread > 99 ? '99+' : unread}) ` : '';
    document.title = `${count}${room === null ? '' : `#${room} · `}ChatCluster`;
    return () => {
      document.title = 'ChatCluster';
    };
  }, [unread, room]);
}
