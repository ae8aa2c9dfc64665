// One open room: its head, its history, who is typing, and the place to write.

import { useState } from 'react';
import type { MessageEntry } from '../chat/entry';
import { lastOwn, timeline } from '../chat/timeline';
import { Composer } from './composer';
import { ConnectionNotice } from './connection-notice';
import styles from './conversation.module.css';
import { History } from './history';
import { People } from './people';
import { RefusedRoom } from './refused-room';
import { RoomHead } from './room-head';
import { useChat, useSession } from './session-context';
import { TypingLine } from './typing-line';
import type { Target } from './target';

export function Conversation({ name }: { readonly name: string }) {
  const session = useSession();
  const room = useChat((state) => state.rooms.get(name)) ?? null;
  const [target, setTarget] = useState<Target | null>(null);
  const [people, setPeople] = useState(false);

  const editLast = () => {
    const { rooms, outbox, me, skewMs } = session.store.state;
    const shown = rooms.get(name);
    const last = shown && lastOwn(timeline(shown, outbox, me, skewMs), me);
    if (last) setTarget({ type: 'edit', ...last });
  };

  const shut = room?.failure?.code === 'not_found' || room?.failure?.code === 'forbidden';
  if (room?.stage === 'refused' && (shut || !room.line)) return <RefusedRoom room={room} />;
  return (
    <div className={styles.conversation} data-people={people}>
      <section className={styles.room} aria-label={`Room ${name}`}>
        <RoomHead name={name} room={room} people={people} onPeople={() => setPeople(!people)} />
        <div className={styles.body}>
          <ConnectionNotice />
          <History
            name={name}
            room={room}
            onReply={(entry: MessageEntry) => setTarget({ type: 'reply', entry })}
            onEdit={(entry: MessageEntry, text: string) => setTarget({ type: 'edit', entry, text })}
          />
        </div>
        <TypingLine room={room} />
        {room?.role === 'reader' ? (
          <p className={styles.reader}>You may read here. Ask an owner of the room for more.</p>
        ) : (
          <Composer
            key={target ? `${target.type} ${target.entry.id}` : 'new'}
            name={name}
            room={room}
            target={target}
            onTarget={setTarget}
            onEditLast={editLast}
          />
        )}
      </section>
      {people && <People room={room} onClose={() => setPeople(false)} />}
    </div>
  );
}
