import { AtSign, Lock } from 'lucide-react';
import { useChat } from './session-context';

interface Named {
  readonly name: string;
  readonly title: string;
  readonly isPrivate: boolean;
}

/** What the names of rooms of two begin with. */
const PAIR = 'dm:';

export function isPair(name: string): boolean {
  return name.startsWith(PAIR);
}

/** The sign before a room's title: everybody's, of members, of two. */
export function RoomSign({ room, className }: { readonly room: Named; readonly className?: string | undefined }) {
  const pair = isPair(room.name);
  return (
    <span className={className}>
      {pair ? (
        <AtSign size="0.95em" aria-label="With" />
      ) : room.isPrivate ? (
        <Lock size="0.9em" aria-label="Private" />
      ) : (
        <span aria-hidden="true">#</span>
      )}
    </span>
  );
}

/** A room's title as this person is shown it: a room of two by the other's name. */
export function useRoomTitle(): (room: Named) => string {
  const me = useChat((state) => state.me?.name ?? '');
  return ({ name, title }) => {
    if (!isPair(name)) return title;
    if (title.startsWith(`${me}, `)) return title.slice(me.length + 2);
    return title.endsWith(`, ${me}`) ? title.slice(0, -me.length - 2) : title;
  };
}

/** The title with the sign that stands for it where there are only letters. */
export function inLetters(room: Named, title: string): string {
  return room.isPrivate ? title : `#${title}`;
}
