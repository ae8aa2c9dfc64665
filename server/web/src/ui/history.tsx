// The messages of a room, virtualised: only what is near the window is in the document. Older pages come as one
// scrolls up; what one looks at keeps its place while others write.

import { ArrowDown, ArrowUp } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Virtuoso, type VirtuosoHandle } from 'react-virtuoso';
import type { MessageEntry } from '../chat/entry';
import { samePosition } from '../chat/position';
import { caughtUp, type Room } from '../chat/room';
import { timeline, type Row } from '../chat/timeline';
import { Announcer } from './announcer';
import styles from './history.module.css';
import { HistoryTop } from './history-top';
import { HistoryRow } from './history-row';
import { useLinked } from './linked';
import { usePlace } from './place';
import { useChat, useSession } from './session-context';
import { useReading } from './reading';
import { useOpening, useSeek } from './seek';

/** Index of the first row that was ever shown; older ones count down from it. */
const FIRST_INDEX = 1_000_000;

/** The rows that can push the end out of sight when they grow. */
const END_ROWS = 8;

/** Near enough to the end to be there, in pixels. */
const BOTTOM_PX = 80;

export interface RowHandlers {
  readonly onReply: (entry: MessageEntry) => void;
  readonly onEdit: (entry: MessageEntry, text: string) => void;
}

interface Props extends RowHandlers {
  readonly name: string;
  readonly room: Room | null;
}

export function History({ name, room, onReply, onEdit }: Props) {
  const outbox = useChat((state) => state.outbox);
  const me = useChat((state) => state.me);
  const skewMs = useChat((state) => state.skewMs);
  const { rows, firstNew } = useMemo(
    () => (room ? timeline(room, outbox, me, skewMs) : { rows: [], firstNew: null }),
    [room, outbox, me, skewMs],
  );
  // The list is first shown when the room has caught up once, so that it opens at its end (or at what is new).
  const [opened, setOpened] = useState(false);
  if (!opened && room && caughtUp(room)) setOpened(true);
  if (!opened || !room?.line) {
    return <Waiting rows={rows} name={name} onReply={onReply} onEdit={onEdit} />;
  }
  return <List name={name} room={room} rows={rows} firstNew={firstNew} onReply={onReply} onEdit={onEdit} />;
}

/** Before the room has answered: nothing but what is to be sent into it. */
function Waiting({ rows, name, ...handlers }: RowHandlers & { readonly rows: readonly Row[]; readonly name: string }) {
  return (
    <div className={styles.waiting} aria-busy="true" aria-label={`Opening ${name}`}>
      {rows.map((row) => (
        <HistoryRow key={row.key} row={row} handlers={handlers} />
      ))}
    </div>
  );
}

interface ListProps extends RowHandlers {
  readonly name: string;
  readonly room: Room;
  readonly rows: readonly Row[];
  readonly firstNew: number | null;
}

function List({ name, room, rows, firstNew, onReply, onEdit }: ListProps) {
  const session = useSession();
  const list = useRef<VirtuosoHandle>(null);
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const onScroller = useCallback(
    (element: HTMLElement | Window | null) => setScroller(element instanceof HTMLElement ? element : null),
    [],
  );
  const [atBottom, setAtBottom] = useState(true);
  const [top, setTop] = useState<number | null>(null);
  const handlers = useMemo(() => ({ onReply, onEdit }), [onReply, onEdit]);
  const firstIndex = FIRST_INDEX - (room.line?.above ?? 0);
  const target = useLinked(name, room, rows);
  useSeek(list, scroller, rows, target);
  const { position: linked } = usePlace();
  const { opening, settled } = useOpening(list, scroller, firstNew, linked !== null);
  useReading(name, room, atBottom);

  // What one sends oneself is always shown.
  const ownLast = rows.at(-1)?.type === 'pending' ? rows.at(-1)?.key : undefined;
  useEffect(() => {
    if (ownLast !== undefined) list.current?.scrollToIndex({ index: 'LAST', align: 'end' });
  }, [ownLast]);

  // Rows at the end that grow (a reaction, an edit) push it out of sight: follow it, unless one looks elsewhere.
  const endLook = rows
    .slice(-END_ROWS)
    .map((row) => (row.type === 'entry' ? row.folded : row.type === 'pending' ? row.pending.state : null));
  const endKey = JSON.stringify(endLook);
  const follows = useRef(true);
  useEffect(() => {
    follows.current = atBottom;
  }, [atBottom]);
  const lastEnd = useRef(endKey);
  useEffect(() => {
    if (lastEnd.current === endKey) return;
    lastEnd.current = endKey;
    if (follows.current) list.current?.scrollToIndex({ index: 'LAST', align: 'end' });
  }, [endKey]);

  const newAbove = firstNew !== null && top !== null && top - firstIndex > firstNew;
  return (
    <>
      <Virtuoso
        ref={list}
        scrollerRef={onScroller}
        className={styles.list}
        data={rows}
        firstItemIndex={firstIndex}
        initialTopMostItemIndex={opening}
        computeItemKey={(_, row) => row.key}
        atBottomThreshold={BOTTOM_PX}
        atBottomStateChange={setAtBottom}
        followOutput={(isAtBottom) => isAtBottom}
        increaseViewportBy={{ top: 800, bottom: 400 }}
        rangeChanged={({ startIndex }) => setTop(startIndex)}
        startReached={() => void session.older(name)}
        context={{ room }}
        components={{ Header: HistoryTop }}
        itemContent={(_, row) => (
          <HistoryRow
            row={row}
            handlers={handlers}
            marked={row.type === 'entry' && samePosition(row.entry.position, linked)}
          />
        )}
        role="region"
        aria-busy={!settled}
        aria-label={`Messages in ${name}`}
      />
      {newAbove && (
        <button
          type="button"
          className={styles.toNew}
          onClick={() => list.current?.scrollToIndex({ index: firstNew, align: 'center' })}
        >
          <ArrowUp size="1em" aria-hidden="true" /> New messages
        </button>
      )}
      {!atBottom && (
        <button
          type="button"
          className={styles.toEnd}
          onClick={() => list.current?.scrollToIndex({ index: 'LAST', align: 'end' })}
        >
          <ArrowDown size="1em" aria-hidden="true" />
          {room.unread > 0 ? `${room.unread} new` : 'Latest'}
        </button>
      )}
      <Announcer rows={rows} />
    </>
  );
}
