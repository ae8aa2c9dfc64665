import { MessageCircle } from 'lucide-react';
import type { User } from '../chat/entry';
import { inWords } from '../chat/failure';
import { IconButton } from './button';
import { goTo } from './place';
import { useSession } from './session-context';
import { shownName } from './shown-name';
import { toast } from './toast';

/** Opens the room that one has with this person alone. */
export function DirectMessage({ user }: { readonly user: User }) {
  const session = useSession();
  const open = async () => {
    const made = await session.dm(user);
    if (typeof made === 'string') goTo(made);
    else toast(inWords(made));
  };
  return (
    <IconButton label={`Write to ${shownName(user.name)} alone`} onClick={() => void open()}>
      <MessageCircle size="1em" aria-hidden="true" />
    </IconButton>
  );
}
