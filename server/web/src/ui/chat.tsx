// The page for who has a name: rooms at the side and one of them open. Loaded apart from the welcome, which so comes first.

import { CSPProvider } from '@base-ui/react/csp-provider';
import { useEffect, useState } from 'react';
import styles from './app.module.css';
import { Conversation } from './conversation';
import { LayerContext } from './layer';
import { Lobby } from './lobby';
import { usePageTitle } from './page-title';
import { usePlace } from './place';
import { useChat, useSession } from './session-context';
import { Sidebar } from './sidebar';

export default function Chat() {
  const session = useSession();
  const { room } = usePlace();
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  useEffect(() => session.open(room), [session, room]);
  useLeaveWarning();
  usePageTitle(room);
  return (
    <CSPProvider disableStyleElements>
      <LayerContext value={layer}>
        <div className={styles.frame} data-open={room !== null}>
          <Sidebar open={room} />
          <main ref={setLayer} className={styles.main}>
            {room === null ? <Lobby /> : <Conversation key={room} name={room} />}
          </main>
        </div>
      </LayerContext>
    </CSPProvider>
  );
}

/** What has not been sent would be lost with the tab, so the browser asks first. */
function useLeaveWarning(): void {
  const unsent = useChat((state) => state.outbox.some((pending) => pending.state !== 'sent'));
  useEffect(() => {
    if (!unsent) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [unsent]);
}
