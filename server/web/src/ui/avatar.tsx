import type { User } from '../chat/entry';
import styles from './avatar.module.css';
import { hueOf, initial } from './shown-name';

/** A person as a coloured letter. Decoration only: the name always stands beside it. */
export function Avatar({ user, size = 'normal' }: { readonly user: User; readonly size?: 'normal' | 'small' }) {
  return (
    <span
      className={size === 'small' ? styles.small : styles.avatar}
      style={{ '--hue': hueOf(user.id) }}
      aria-hidden="true"
    >
      {initial(user.name)}
    </span>
  );
}
