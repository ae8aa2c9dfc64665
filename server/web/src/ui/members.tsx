// Who may be in a private room: their roles, and the ways in and out for those who decide.

import { UserMinus } from 'lucide-react';
import { useEffect, useId, useState, type SyntheticEvent } from 'react';
import { ROLES, type Member, type Role, type User } from '../chat/entry';
import { inWords, type Failure } from '../chat/failure';
import type { Room } from '../chat/room';
import { Avatar } from './avatar';
import { Button, IconButton } from './button';
import { DirectMessage } from './direct-message';
import styles from './people.module.css';
import { PersonName } from './person-name';
import { isPair } from './room-title';
import { useChat, useSession } from './session-context';
import { shownName } from './shown-name';

/** The members of a room, asked for anew whenever the room tells of a change. */
export function Members({ room }: { readonly room: Room }) {
  const session = useSession();
  const me = useChat((state) => state.me);
  const [known, setKnown] = useState<readonly Member[] | Failure | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const changes = room.line?.marks.filter((mark) => mark.type === 'entry' && mark.entry.kind === 'member').length ?? 0;
  const { name, role, stage } = room;

  useEffect(() => {
    let wanted = stage === 'live';
    if (wanted) {
      void session.members(name).then((answer) => {
        if (wanted) setKnown(answer);
      });
    }
    return () => {
      wanted = false;
    };
  }, [session, name, role, stage, changes]);

  if (known === null) return <p className={styles.words}>Asking who is a member…</p>;
  if ('code' in known) return <p className={styles.words}>{inWords(known)}</p>;
  const mine = known.find((member) => member.id === me?.id)?.role ?? null;
  const online = new Set(room.users?.map((user) => user.id));
  const act = (asked: Promise<Failure | null>) => {
    setFailure(null);
    void asked.then(setFailure);
  };
  return (
    <>
      <ul className={styles.list}>
        {known.map((member) => {
          const self = member.id === me?.id;
          const rules = !isPair(name) && !self && mine !== null && isAbove(mine, member.role);
          return (
            <li key={member.id} className={styles.person}>
              <Avatar user={member} size="small" />
              <span className={styles.who}>
                <PersonName name={member.name} className={styles.name} />
                <span className={styles.state}>{online.has(member.id) ? 'here now' : 'away'}</span>
              </span>
              {self && <span className={styles.me}>you</span>}
              {!rules && !isPair(name) && <span className={styles.role}>{member.role}</span>}
              {!self && !isPair(name) && <DirectMessage user={member} />}
              {rules && (
                <span className={styles.rule}>
                  <select
                    className={styles.field}
                    aria-label={`What ${shownName(member.name)} may do`}
                    value={member.role}
                    onChange={(event) => act(session.setRole(name, member.id, event.target.value as Role))}
                  >
                    {ROLES.filter((each) => isAbove(mine, each)).map((each) => (
                      <option key={each}>{each}</option>
                    ))}
                  </select>
                  <IconButton
                    label={`Remove ${shownName(member.name)}`}
                    onClick={() => act(session.kick(name, member.id))}
                  >
                    <UserMinus size="1em" aria-hidden="true" />
                  </IconButton>
                </span>
              )}
            </li>
          );
        })}
      </ul>
      {failure && (
        <p className={styles.failure} role="alert">
          {inWords(failure)}
        </p>
      )}
      {!isPair(name) && mine !== null && isAbove(mine, 'member') && (
        <Invitation room={name} members={known} mine={mine} onAct={act} />
      )}
    </>
  );
}

/** Owners decide about everybody, admins about those who are none. */
function isAbove(mine: Role, other: Role): boolean {
  return mine === 'owner' || (mine === 'admin' && (other === 'member' || other === 'reader'));
}

interface InvitationProps {
  readonly room: string;
  readonly members: readonly User[];
  readonly mine: Role;
  readonly onAct: (asked: Promise<Failure | null>) => void;
}

/** Invites somebody whom one sees in another room, or anybody by the id. */
function Invitation({ room, members, mine, onAct }: InvitationProps) {
  const session = useSession();
  const id = useId();
  const rooms = useChat((state) => state.rooms);
  const [picked, setPicked] = useState('');
  const [written, setWritten] = useState('');
  const [role, setRole] = useState<Role>('member');
  const people = new Map([...rooms.values()].flatMap((each) => (each.users ?? []).map((user) => [user.id, user])));
  for (const member of members) people.delete(member.id);
  const user = picked || written.trim();

  const invite = (event: SyntheticEvent) => {
    event.preventDefault();
    if (user === '') return;
    onAct(session.invite(room, user, role));
    setPicked('');
    setWritten('');
  };

  return (
    <form className={styles.invite} onSubmit={invite}>
      <label htmlFor={id}>Invite</label>
      <select id={id} className={styles.field} value={picked} onChange={(event) => setPicked(event.target.value)}>
        <option value="">{people.size === 0 ? 'Somebody, by id' : 'Somebody else, by id'}</option>
        {[...people.values()].map((each) => (
          <option key={each.id} value={each.id}>
            {shownName(each.name)}
          </option>
        ))}
      </select>
      {picked === '' && (
        <input
          className={styles.field}
          aria-label="Id of the person"
          placeholder="Id"
          value={written}
          autoComplete="off"
          spellCheck={false}
          maxLength={256}
          onChange={(event) => setWritten(event.target.value)}
        />
      )}
      <div className={styles.row}>
        <select
          className={styles.field}
          aria-label="As"
          value={role}
          onChange={(event) => setRole(event.target.value as Role)}
        >
          {ROLES.filter((each) => isAbove(mine, each)).map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
        <Button type="submit" look="primary" disabled={user === ''}>
          Invite
        </Button>
      </div>
    </form>
  );
}
