import { Clock3, TriangleAlert } from 'lucide-react';
import { inWords } from '../chat/failure';
import type { Action, Pending, PendingState } from '../chat/outbox';
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
  const stuck = pending.state === 'failed' || pending.state === 'withdrawn';
  return (
    <article className={message.message} data-leads={leads} aria-label={`${subject(pending.action)}, not sent yet`}>
      <div className={message.gutter}>{leads && me && <Avatar user={me} />}</div>
      <div className={message.content}>
        {leads && (
          <p className={message.head}>
            <PersonName name={me?.name ?? 'You'} className={message.name} />
          </p>
        )}
        <p className={stuck ? message.text : styles.text} dir="auto">
          <RichText text={body(pending.action)} />
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

function subject(action: Action): string {
  switch (action.kind) {
    case 'message':
      return 'Your message';
    case 'edit':
      return 'Your edit';
    case 'delete':
      return 'Your deletion';
    case 'react':
      return 'Your reaction';
  }
}

function body(action: Action): string {
  switch (action.kind) {
    case 'message':
    case 'edit':
      return action.text;
    case 'delete':
      return 'Delete a message';
    case 'react':
      return action.emoji;
  }
}

const WORDS: Record<PendingState, string> = {
  waiting: 'Waiting to be sent',
  sending: 'Sending…',
  sent: 'Sent',
  failed: 'was not sent.',
  withdrawn: 'was lost by the server after it was shown.',
};

function words(pending: Pending): string {
  const { action, failure, state } = pending;
  const stuck = state === 'failed' || state === 'withdrawn';
  const start = stuck ? `${subject(action)} ${WORDS[state]}` : WORDS[state];
  return failure ? `${start}${stuck ? '' : '.'} ${inWords(failure)}` : start;
}
