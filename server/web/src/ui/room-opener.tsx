import { Dialog } from '@base-ui/react/dialog';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { IconButton } from './button';
import styles from './dialog.module.css';
import { RoomForm } from './room-form';

/** The plus: open or make a room. */
export function RoomOpener() {
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger render={<IconButton label="Open a room" />}>
        <Plus size="1.2em" aria-hidden="true" />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup}>
          <Dialog.Title className={styles.title}>Open a room</Dialog.Title>
          <RoomForm onDone={() => setOpen(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
