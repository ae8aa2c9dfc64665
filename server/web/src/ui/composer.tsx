// Where one writes. Enter sends, Shift and Enter begin a new line; what is half written survives a reload.

import { ArrowUp, X } from 'lucide-react';
import { useRef, useState, type KeyboardEvent, type SyntheticEvent } from 'react';
import { byteLength } from '../chat/limits';
import { newRoom, type Room } from '../chat/room';
import { keep } from '../wire/keep';
import { IconButton } from './button';
import styles from './composer.module.css';
import { inLetters, useRoomTitle } from './room-title';
import { shownName } from './shown-name';
import { useChat, useSession } from './session-context';
import type { Target } from './target';

/** From this share of the limit on, the rest is counted for the writer. */
const COUNT_FROM = 0.8;

interface Props {
  readonly name: string;
  readonly room: Room | null;
  readonly target: Target | null;
  readonly onTarget: (target: Target | null) => void;
  readonly onEditLast: () => void;
}

export function Composer({ name, room, target, onTarget, onEditLast }: Props) {
  const session = useSession();
  const textBytes = useChat((state) => state.limits.textBytes);
  const [text, setText] = useState(() => (target?.type === 'edit' ? target.text : keep.draft(name)));
  const field = useRef<HTMLTextAreaElement>(null);
  const title = useRoomTitle();
  const shown = room ?? newRoom(name);
  const left = textBytes - byteLength(text);
  const tooLong = left < 0;
  const empty = text.trim() === '';

  const change = (next: string) => {
    setText(next);
    if (target?.type !== 'edit') keep.setDraft(name, next);
    session.typing(name, next !== '');
  };

  const send = () => {
    if (empty || tooLong) return;
    if (target?.type === 'edit') {
      if (text !== target.text) session.send(name, { kind: 'edit', of: target.entry.position, text });
    } else {
      session.send(name, { kind: 'message', text, replyTo: target?.entry.position ?? null });
      keep.setDraft(name, '');
    }
    setText('');
    onTarget(null);
    field.current?.focus();
  };

  const keys = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && target) {
      onTarget(null);
    } else if (event.key === 'ArrowUp' && text === '' && !target) {
      event.preventDefault();
      onEditLast();
    }
  };

  return (
    <form
      className={styles.composer}
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        send();
      }}
    >
      {target && (
        <div className={styles.target}>
          <span className={styles.about}>
            {target.type === 'edit' ? (
              'Editing your message'
            ) : (
              <>
                Replying to <bdi>{shownName(target.entry.from.name)}</bdi>
              </>
            )}
          </span>
          <IconButton label="Cancel" onClick={() => onTarget(null)}>
            <X size="1.05em" aria-hidden="true" />
          </IconButton>
        </div>
      )}
      <div className={styles.box}>
        <textarea
          ref={field}
          className={styles.field}
          rows={1}
          value={text}
          dir="auto"
          autoFocus={target !== null || matchMedia('(hover: hover)').matches}
          placeholder={`Message ${inLetters(shown, title(shown))}`}
          aria-label={`Message to ${title(shown)}`}
          aria-invalid={tooLong}
          aria-describedby={left < textBytes * (1 - COUNT_FROM) ? 'composer-left' : undefined}
          onChange={(event) => change(event.target.value)}
          onKeyDown={keys}
          onBlur={() => session.typing(name, false)}
        />
        {left < textBytes * (1 - COUNT_FROM) && (
          <span id="composer-left" className={tooLong ? styles.over : styles.left}>
            {tooLong ? `${-left} too long` : left}
          </span>
        )}
        <button
          type="submit"
          className={styles.send}
          disabled={empty || tooLong}
          aria-label="Send"
          title="Send (Enter)"
        >
          <ArrowUp size="1.2em" aria-hidden="true" />
        </button>
      </div>
    </form>
  );
}
