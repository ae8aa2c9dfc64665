import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Menu } from '@base-ui/react/menu';
import { Ellipsis, Link2, Pencil, Reply, SmilePlus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { MessageEntry } from '../chat/entry';
import { Button, IconButton } from './button';
import { copy } from './copy';
import dialog from './dialog.module.css';
import { EMOJI } from './emoji';
import type { RowHandlers } from './history';
import { useLayer } from './layer';
import menu from './menu.module.css';
import styles from './message-actions.module.css';
import { linkTo } from './place';
import { useChat, useSession } from './session-context';

interface Props {
  readonly entry: MessageEntry;
  /** As it reads after the last edit. */
  readonly text: string;
  readonly handlers: RowHandlers;
}

/** What can be done with a message; shown while one points at it or is in it with the keyboard. */
export function MessageActions({ entry, text, handlers }: Props) {
  const session = useSession();
  const layer = useLayer();
  const mine = useChat((state) => state.me?.id === entry.from.id);
  const [deleting, setDeleting] = useState(false);
  const { room, position: of } = entry;
  return (
    <div className={styles.actions} role="group" aria-label="Message actions">
      <Menu.Root>
        <Menu.Trigger render={<IconButton label="React" />}>
          <SmilePlus size="1.05em" aria-hidden="true" />
        </Menu.Trigger>
        <Menu.Portal container={layer}>
          <Menu.Positioner side="top" align="end" sideOffset={4} className={menu.place}>
            <Menu.Popup className={styles.emojis} aria-label="Reactions">
              {EMOJI.map(([emoji, name]) => (
                <Menu.Item
                  key={emoji}
                  className={styles.emoji}
                  aria-label={name}
                  title={name}
                  onClick={() => session.send(room, { kind: 'react', of, emoji, remove: false })}
                >
                  {emoji}
                </Menu.Item>
              ))}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <IconButton label="Reply" onClick={() => handlers.onReply(entry)}>
        <Reply size="1.05em" aria-hidden="true" />
      </IconButton>
      <Menu.Root>
        <Menu.Trigger render={<IconButton label="More" />}>
          <Ellipsis size="1.05em" aria-hidden="true" />
        </Menu.Trigger>
        <Menu.Portal container={layer}>
          <Menu.Positioner side="bottom" align="end" sideOffset={4} className={menu.place}>
            <Menu.Popup className={menu.popup}>
              <Menu.Item className={menu.item} onClick={() => copy(linkTo(room, of), 'Link to the message copied')}>
                <Link2 size="1em" aria-hidden="true" /> Copy link
              </Menu.Item>
              {mine && (
                <>
                  <Menu.Item className={menu.item} onClick={() => handlers.onEdit(entry, text)}>
                    <Pencil size="1em" aria-hidden="true" /> Edit
                  </Menu.Item>
                  <Menu.Item className={menu.danger} onClick={() => setDeleting(true)}>
                    <Trash2 size="1em" aria-hidden="true" /> Delete
                  </Menu.Item>
                </>
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <AlertDialog.Root open={deleting} onOpenChange={setDeleting}>
        <AlertDialog.Portal>
          <AlertDialog.Backdrop className={dialog.backdrop} />
          <AlertDialog.Popup className={dialog.popup}>
            <AlertDialog.Title className={dialog.title}>Delete this message?</AlertDialog.Title>
            <AlertDialog.Description className={dialog.text}>
              Everybody in the room will see that it was deleted. This cannot be taken back.
            </AlertDialog.Description>
            <div className={dialog.actions}>
              <AlertDialog.Close render={<Button />}>Keep it</AlertDialog.Close>
              <AlertDialog.Close
                render={<Button look="danger" />}
                onClick={() => session.send(room, { kind: 'delete', of })}
              >
                Delete
              </AlertDialog.Close>
            </div>
          </AlertDialog.Popup>
        </AlertDialog.Portal>
      </AlertDialog.Root>
    </div>
  );
}
