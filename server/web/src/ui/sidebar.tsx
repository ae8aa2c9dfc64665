import { useEffect } from 'react';
import { AccountMenu } from './account-menu';
import mark from './mark.svg';
import { RoomList } from './room-list';
import { RoomOpener } from './room-opener';
import { useSession } from './session-context';
import styles from './sidebar.module.css';

/** The list of rooms is asked for anew this often while somebody looks, in milliseconds. */
const REFRESH_MS = 30_000;

export function Sidebar({ open }: { readonly open: string | null }) {
  const session = useSession();
  useEffect(() => {
    void session.list();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void session.list();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [session, open]);
  return (
    <nav className={styles.side} aria-label="Rooms">
      <header className={styles.head}>
        <a className={styles.brand} href="#/">
          <img src={mark} alt="" width="28" height="28" className={styles.mark} />
          ChatCluster
        </a>
        <RoomOpener />
      </header>
      <RoomList open={open} />
      <footer className={styles.foot}>
        <AccountMenu />
      </footer>
    </nav>
  );
}
