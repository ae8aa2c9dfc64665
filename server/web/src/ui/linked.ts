import { useEffect, useRef, useState } from 'react';
import { samePosition } from '../chat/position';
import { caughtUp, type Room } from '../chat/room';
import type { Row } from '../chat/timeline';
import { usePlace, type Place } from './place';
import { useSession } from './session-context';
import { toast } from './toast';

/** Pages loaded at most to find a linked message. */
const SEARCH_PAGES_MAX = 100;

/** A row to go to. A new object each time, so that going to the same row again is seen. */
export interface SeekTarget {
  readonly key: string;
}

/** Looks for the message that the address names, loading older pages until it is there. */
export function useLinked(name: string, room: Room, rows: readonly Row[]): SeekTarget | null {
  const session = useSession();
  const place = usePlace();
  const [found, setFound] = useState<{ place: Place; target: SeekTarget } | null>(null);
  const search = useRef<{ place: Place; pages: number; over: boolean } | null>(null);
  const { position } = place;
  const row =
    position && found?.place !== place && caughtUp(room)
      ? rows.find((each) => each.type === 'entry' && samePosition(each.entry.position, position))
      : undefined;
  if (row) setFound({ place, target: { key: row.key } });

  useEffect(() => {
    if (search.current?.place !== place) search.current = { place, pages: 0, over: position === null };
    if (search.current.over || !position || !room.line || !caughtUp(room)) return;
    if (found?.place === place) {
      search.current.over = true;
    } else if (room.line.more && room.line.start.n >= position.n && search.current.pages < SEARCH_PAGES_MAX) {
      if (room.paging) return;
      search.current.pages += 1;
      void session.older(name);
    } else {
      search.current.over = true;
      toast('That message is not in the room any more');
    }
  }, [session, name, room, position, place, found]);
  return found?.target ?? null;
}
