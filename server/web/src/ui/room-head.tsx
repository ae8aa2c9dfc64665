import { Menu } from '@base-ui/react/menu';
import { ArrowLeft, EllipsisVertical, Link2, LogOut, UserMinus, Users } from 'lucide-react';
import { inWords } from '../chat/failure';
import { newRoom, type Room } from '../chat/room';
import { IconButton } from './button';
import { copy } from './copy';
import { useLayer } from './layer';
import menu from './menu.module.css';
import { goTo, showPlace } from './place';
import styles from './room-head.module.css';
import { RoomSign, isPair, useRoomTitle } from './room-title';
import { useChat, useSession } from './session-context';
import { toast } from './toast';

interface Props {
  readonly name: string;
  readonly room: Room | null;
  readonly people: boolean;
  readonly onPeople: () => void;
}

export function RoomHead({ name, room, people, onPeople }: Props) {
  const session = useSession();
  const layer = useLayer();
  const title = useRoomTitle();
  const shown = room ?? newRoom(name);
  // Who is there is only known while one is there oneself.
  const online = room?.stage === 'live' ? room.online : 0;
  const me = useChat((state) => state.me);
  const resign = async (id: string) => {
    const failure = await session.kick(name, id);
    if (failure) {
      toast(inWords(failure));
      return;
    }
    session.leave(name);
    goTo(null);
  };
  return (
    <header className={styles.head}>
      <a className={styles.back} href="#/" aria-label="All rooms">
        <ArrowLeft size="1.2em" aria-hidden="true" />
      </a>
      <h1 className={styles.title}>
        <RoomSign room={shown} className={styles.sign} />
        <bdi>{title(shown)}</bdi>
      </h1>
      <button
        type="button"
        className={styles.online}
        aria-pressed={people}
        aria-label={online > 0 ? `People: ${online} online` : 'People'}
        title="Who is here"
        onClick={onPeople}
      >
        <Users size="1.1em" aria-hidden="true" /> {online > 0 ? online : ''}
      </button>
      <Menu.Root>
        <Menu.Trigger render={<IconButton label="More about this room" />}>
          <EllipsisVertical size="1.15em" aria-hidden="true" />
        </Menu.Trigger>
        <Menu.Portal container={layer}>
          <Menu.Positioner side="bottom" align="end" sideOffset={4} className={menu.place}>
            <Menu.Popup className={menu.popup}>
              <Menu.Item
                className={menu.item}
                onClick={() => copy(new URL(showPlace(name), location.href).href, 'Link to the room copied')}
              >
                <Link2 size="1em" aria-hidden="true" /> Copy link to the room
              </Menu.Item>
              <Menu.Item
                className={menu.item}
                onClick={() => {
                  session.leave(name);
                  goTo(null);
                }}
              >
                <LogOut size="1em" aria-hidden="true" /> Leave the room
              </Menu.Item>
              {shown.isPrivate && !isPair(name) && me && (
                <Menu.Item className={menu.danger} onClick={() => void resign(me.id)}>
                  <UserMinus size="1em" aria-hidden="true" /> Leave for good
                </Menu.Item>
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
    </header>
  );
}
