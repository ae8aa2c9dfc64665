// The door: what the server says becomes the chat's own types here, or is dropped. Nothing inside checks again.

import { ROLES, type Entry, type Member, type Role, type User } from '../chat/entry';
import type { ListedRoom, ServerEvent } from '../chat/event';
import { FAILURE_CODES, type Failure, type FailureCode } from '../chat/failure';
import { DEFAULT_LIMITS, type Limits } from '../chat/limits';
import { ORIGIN, parsePosition, type Position } from '../chat/position';

type Raw = Readonly<Record<string, unknown>>;

export function parseObject(value: unknown): Raw | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : null;
}

export function parseUser(value: unknown): User | null {
  const raw = parseObject(value);
  return raw && typeof raw.id === 'string' && typeof raw.name === 'string' ? { id: raw.id, name: raw.name } : null;
}

export function parseUsers(value: unknown): readonly User[] | null {
  if (!Array.isArray(value)) return null;
  return value.map(parseUser).filter((user) => user !== null);
}

export function parseRole(value: unknown): Role | null {
  return ROLES.find((role) => role === value) ?? null;
}

export function parseMembers(value: unknown): readonly Member[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each) => {
    const user = parseUser(each);
    const role = parseRole(parseObject(each)?.role);
    return user && role ? [{ ...user, role }] : [];
  });
}

export function parseEntry(value: unknown): Entry | null {
  const raw = parseObject(value);
  const position = parsePosition(raw?.position);
  const from = parseUser(raw?.from);
  if (!raw || !position || !from) return null;
  const { room, at, id } = raw;
  if (typeof room !== 'string' || typeof at !== 'number' || typeof id !== 'string') return null;
  const written = { room, position, at, id, from };
  const kind = typeof raw.kind === 'string' ? raw.kind : 'message';
  const text = typeof raw.text === 'string' ? raw.text : '';
  const of = parsePosition(raw.of);
  switch (kind) {
    case 'message':
      return { ...written, kind, text, replyTo: parsePosition(raw.reply_to) };
    case 'edit':
      return of ? { ...written, kind, of, text } : null;
    case 'delete':
      return of ? { ...written, kind, of } : null;
    case 'react':
      return of && typeof raw.emoji === 'string'
        ? { ...written, kind, of, emoji: raw.emoji, remove: raw.remove === true }
        : null;
    case 'invite':
    case 'kick':
    case 'role': {
      const user = parseUser(raw.user);
      return user && { ...written, kind: 'member', change: kind, user, role: parseRole(raw.role), text: '' };
    }
    default:
      return { ...written, kind: 'custom', name: kind, text };
  }
}

export function parseEntries(value: unknown): readonly Entry[] {
  return Array.isArray(value) ? value.map(parseEntry).filter((entry) => entry !== null) : [];
}

export function parseLimits(value: unknown): Limits {
  const raw = parseObject(value) ?? {};
  const pick = (key: string, otherwise: number): number => {
    const number = raw[key];
    return typeof number === 'number' && number > 0 ? number : otherwise;
  };
  return {
    textBytes: pick('text_bytes', DEFAULT_LIMITS.textBytes),
    nameChars: pick('name_chars', DEFAULT_LIMITS.nameChars),
    roomBytes: pick('room_bytes', DEFAULT_LIMITS.roomBytes),
    titleChars: pick('title_chars', DEFAULT_LIMITS.titleChars),
    rooms: pick('rooms', DEFAULT_LIMITS.rooms),
    historyPage: pick('history_page', DEFAULT_LIMITS.historyPage),
    dedupSeconds: pick('dedup_seconds', DEFAULT_LIMITS.dedupSeconds),
  };
}

/** Reads an event of the server by its name; `now` is this machine's clock. Unknown or malformed ones are null. */
export function parseEvent(name: string, value: unknown, now: number): ServerEvent | null {
  const raw = parseObject(value);
  if (!raw) return null;
  const user = parseUser(raw.user);
  if (name === 'ready') {
    if (!user) return null;
    const rooms = Array.isArray(raw.rooms) ? raw.rooms.map(parsePlace).filter((place) => place !== null) : [];
    return { type: 'ready', user, limits: parseLimits(raw.limits), recovered: raw.recovered === true, rooms };
  }
  if (name === 'message') {
    const entry = parseEntry(raw);
    return entry && { type: 'entry', entry };
  }
  const { room } = raw;
  if (typeof room !== 'string') return null;
  const from = parsePosition(raw.from);
  const to = parsePosition(raw.to);
  const after = parsePosition(raw.after);
  const position = parsePosition(raw.position);
  switch (name) {
    case 'joined':
      return from && { type: 'joined', room, from };
    case 'gap': {
      if (!from || !to) return null;
      return { type: 'gap', room, gap: { from, to, reason: raw.reason === 'reset' ? 'reset' : 'trimmed' } };
    }
    case 'void':
      return after && { type: 'void', room, after };
    case 'presence':
      return { type: 'presence', room, online: count(raw.online), users: parseUsers(raw.users) };
    case 'typing':
      return user && { type: 'typing', room, user, typing: raw.typing === true, now };
    case 'receipt':
      return user && position && { type: 'receipt', room, user, position };
    case 'room': {
      const by = parseUser(raw.from);
      const title = typeof raw.title === 'string' && raw.title ? raw.title : room;
      return by && { type: 'membership', room, title, role: parseRole(raw.role), from: by };
    }
    default:
      return null;
  }
}

export function parseFailure(value: unknown): Failure {
  const raw = parseObject(value);
  const code: FailureCode = FAILURE_CODES.find((known) => known === raw?.code) ?? 'unavailable';
  const message = typeof raw?.message === 'string' && raw.message ? raw.message : 'The server gave no reason.';
  const retryAfterMs = typeof raw?.retry_after_ms === 'number' ? Math.max(0, raw.retry_after_ms) : null;
  return { code, message, retryAfterMs };
}

export function parseListed(value: unknown): readonly ListedRoom[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each) => {
    const raw = parseObject(each);
    if (!raw || typeof raw.room !== 'string') return [];
    const title = typeof raw.title === 'string' && raw.title ? raw.title : raw.room;
    const { room, online, unread } = raw;
    const isPrivate = raw.visibility === 'private';
    return [{ room, title, isPrivate, member: raw.member === true, online: count(online), unread: count(unread) }];
  });
}

/** The answer to a `join`. */
export function parseStay(room: string, raw: Raw) {
  const about = parseObject(raw.room);
  return {
    type: 'joinAnswered',
    room,
    title: typeof about?.title === 'string' && about.title ? about.title : room,
    isPrivate: about?.visibility === 'private',
    role: parseRole(raw.role),
    from: parsePosition(raw.from) ?? ORIGIN,
    tail: parsePosition(raw.tail) ?? ORIGIN,
    online: count(raw.online),
    users: parseUsers(raw.users),
    read: parsePosition(raw.read),
    unread: count(raw.unread),
  } as const;
}

function parsePlace(value: unknown): { room: string; position: Position } | null {
  const raw = parseObject(value);
  const position = parsePosition(raw?.position);
  return raw && typeof raw.room === 'string' && position ? { room: raw.room, position } : null;
}

export function count(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
}
