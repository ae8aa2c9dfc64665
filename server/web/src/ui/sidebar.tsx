import { AccountMenu } from './account-menu';
import mark from './mark.svg';
import { RoomList } from './room-list';
import { RoomOpener } from './room-opener';
import styles from './sidebar.module.css';

export function Sidebar({ open }: { readonly open: string | null }) {
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
