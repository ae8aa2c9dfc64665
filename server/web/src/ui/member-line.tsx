import type { MemberEntry } from '../chat/entry';
import styles from './line.module.css';
import { PersonName } from './person-name';

/** Between messages: somebody came to a private room, went, or may do other things there now. */
export function MemberLine({ entry }: { readonly entry: MemberEntry }) {
  const { from, user, change, role } = entry;
  const by = <PersonName name={from.name} />;
  const whom = <PersonName name={user.name} />;
  return (
    <div className={styles.line}>
      <span>
        {change === 'invite' && (
          <>
            {by} invited {whom}
            {role && role !== 'member' && ` as ${role}`}
          </>
        )}
        {change === 'role' && (
          <>
            {by} made {whom} {role ?? 'something'}
          </>
        )}
        {change === 'kick' &&
          (from.id === user.id ? (
            <>{whom} left for good</>
          ) : (
            <>
              {by} removed {whom}
            </>
          ))}
      </span>
    </div>
  );
}
