import { Clock3, TriangleAlert } from 'lucide-react';
import { inWords } from '../chat/failure';
import type { Pending, PendingState } from '../chat/outbox';
import type { PendingRow as Row } from '../chat/timeline';
import { Avatar } from './avatar';
import message from './message-row.module.css';
import styles from './pending-row.module.css';
import { PersonName } from './person-name';
import { RichText } from './rich-text';
import { useChat, useSession } from './session-context';

/** A message of one's own that is not in the log yet, with what stands in its way. */
export function PendingRow({ row }: { readonly row: Row }) {
  const { pending, leads } = row;
  const session = useSession();
  const me = useChat((state) => state.me);
  if (pending.action.kind !== 'message') return null;
  const stuck = pending.state === 'failed' || pending.state === 'withdrawn';
  return (
    <article className={message.message} data-leads={leads} aria-label="Your message, not sent yet">
      <div className={message.gutter}>{leads && me && <Avatar user={me} />}</div>
      <div className={message.content}>
        {leads && (
          <p className={message.head}>
            <PersonName name={me?.name ?? 'You'} className={message.name} />
          </p>
        )}
        <p className={stuck ? message.text : styles.text} dir="auto">
          <RichText text={pending.action.text} />
        </p>
        <p className={stuck ? styles.stuck : styles.state}>
          {stuck ? <TriangleAlert size="0.95em" aria-hidden="true" /> : <Clock3 size="0.95em" aria-hidden="true" />}
          <span>{words(pending)}</span>
          {stuck && (
            <button type="button" className={styles.action} onClick={() => session.retry(pending.id)}>
              {pending.state === 'withdrawn' ? 'Send again' : 'Retry'}
            </button>
          )}
          {stuck && (
            <button type="button" className={styles.action} onClick={() => session.discard(pending.id)}>
              Discard
            </button>
          )}
        </p>
      </div>
    </article>
  );
}

const WORDS: Record<PendingState, string> = {
  waiting: 'Waiting to be sent',
  sending: 'Sending…',
  sent: 'Sent',
  failed: 'Not sent.',
  withdrawn: 'The server lost this message after it was shown.',
};

function words(pending: Pending): string {
  const { failure, state } = pending;
  return failure ? `${WORDS[state]} ${inWords(failure)}` : WORDS[state];
}
