import { Menu } from '@base-ui/react/menu';
import { ChevronsUpDown, LogOut } from 'lucide-react';
import { useState } from 'react';
import { health, type Health } from '../chat/state';
import styles from './account-menu.module.css';
import { Avatar } from './avatar';
import { useLayer } from './layer';
import menu from './menu.module.css';
import { PersonName } from './person-name';
import { useChat, useSession } from './session-context';
import { chooseTheme, keptTheme, THEMES, type Theme } from './theme';

const WORDS: Record<Health, string> = {
  signedOut: 'Signed out',
  connecting: 'Connecting…',
  live: 'Connected',
  recovering: 'Catching up…',
  offline: 'Offline',
};

const THEME_WORDS: Record<Theme, string> = { system: 'Like the system', light: 'Light', dark: 'Dark' };

/** Who one is, whether one is connected, and the few settings there are. */
export function AccountMenu() {
  const session = useSession();
  const layer = useLayer();
  const me = useChat((state) => state.me);
  const state = useChat(health);
  const single = useChat((chat) => chat.copies === 'single');
  const [theme, setTheme] = useState(keptTheme);
  return (
    <Menu.Root>
      <Menu.Trigger className={styles.trigger}>
        {me ? <Avatar user={me} /> : <span className={styles.blank} />}
        <span className={styles.who}>
          <PersonName name={me?.name ?? '…'} className={styles.name} />
          <span className={styles.health} data-health={state}>
            {WORDS[state]}
            {single && state === 'live' && (
              <span title="This server keeps what is said in one place only: it is lost when that place is.">
                · one copy
              </span>
            )}
          </span>
        </span>
        <ChevronsUpDown size="1.05em" aria-hidden="true" className={styles.arrow} />
      </Menu.Trigger>
      <Menu.Portal container={layer}>
        <Menu.Positioner side="top" align="start" sideOffset={6} className={menu.place}>
          <Menu.Popup className={menu.popup}>
            <Menu.Group>
              <Menu.GroupLabel className={menu.label}>Look</Menu.GroupLabel>
              <Menu.RadioGroup
                value={theme}
                onValueChange={(value: Theme) => {
                  setTheme(value);
                  chooseTheme(value);
                }}
              >
                {THEMES.map((each) => (
                  <Menu.RadioItem key={each} value={each} className={menu.item} closeOnClick={false}>
                    <span className={menu.mark}>
                      <Menu.RadioItemIndicator>✓</Menu.RadioItemIndicator>
                    </span>
                    {THEME_WORDS[each]}
                  </Menu.RadioItem>
                ))}
              </Menu.RadioGroup>
            </Menu.Group>
            <Menu.Separator className={menu.separator} />
            <Menu.Item className={menu.item} onClick={() => session.signOut()}>
              <LogOut size="1em" aria-hidden="true" /> Sign out
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
