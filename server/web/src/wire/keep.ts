// What outlives a reload. Who one is and which rooms one is in belong to the browser, and are shared by its tabs; what
// is being written and sent belongs to the tab. Storage may be forbidden or full: then the page works without it.

import type { Action, Outbox, Pending } from '../chat/outbox';
import { parsePosition } from '../chat/position';
import { parseObject } from './parse';

const TOKEN = 'chat.token';
const NAME = 'chat.name';
const ROOMS = 'chat.rooms';
const THEME = 'chat.theme';
const OUTBOX = 'chat.outbox';
const DRAFTS = 'chat.drafts';

export const keep = {
  token: () => read(browser, TOKEN),
  setToken: (token: string | null) => write(browser, TOKEN, token),
  name: () => read(browser, NAME),
  setName: (name: string | null) => write(browser, NAME, name),
  theme: () => read(browser, THEME),
  setTheme: (theme: string | null) => write(browser, THEME, theme),

  rooms(): readonly string[] {
    const rooms = readJson(browser, ROOMS);
    return Array.isArray(rooms) ? rooms.filter((room) => typeof room === 'string') : [];
  },
  setRooms: (rooms: readonly string[]) => write(browser, ROOMS, JSON.stringify(rooms)),

  outbox(): Outbox {
    const kept = readJson(tab, OUTBOX);
    return Array.isArray(kept) ? kept.map(parsePending).filter((pending) => pending !== null) : [];
  },
  setOutbox: (outbox: Outbox) => write(tab, OUTBOX, outbox.length > 0 ? JSON.stringify(outbox) : null),

  draft(room: string): string {
    const text = drafts.get(room) ?? parseObject(readJson(tab, DRAFTS))?.[room];
    return typeof text === 'string' ? text : '';
  },
  setDraft(room: string, text: string): void {
    drafts.set(room, text);
    const { [room]: _, ...others } = parseObject(readJson(tab, DRAFTS)) ?? {};
    write(tab, DRAFTS, JSON.stringify(text ? { ...others, [room]: text } : others));
  },
};

/** Drafts of this page, for where storage is full or forbidden. */
const drafts = new Map<string, string>();

const browser = () => window.localStorage;
const tab = () => window.sessionStorage;

function read(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

/** False where the storage is full or forbidden. */
function write(storage: () => Storage, key: string, value: string | null): boolean {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

function readJson(storage: () => Storage, key: string): unknown {
  try {
    return JSON.parse(read(storage, key) ?? 'null');
  } catch {
    return null;
  }
}

function parsePending(value: unknown): Pending | null {
  const raw = parseObject(value);
  const action = parseAction(raw?.action);
  if (!raw || !action || typeof raw.id !== 'string' || typeof raw.room !== 'string') return null;
  const tried = typeof raw.tried === 'number' ? raw.tried : null;
  const seen = keptPosition(raw.seen);
  const state = raw.state === 'failed' || raw.state === 'withdrawn' ? raw.state : 'waiting';
  return { id: raw.id, room: raw.room, action, state, tried, seen, arrived: false, failure: null, notBefore: 0 };
}

function parseAction(value: unknown): Action | null {
  const raw = parseObject(value);
  const of = keptPosition(raw?.of);
  switch (raw?.kind) {
    case 'message':
      return typeof raw.text === 'string'
        ? { kind: 'message', text: raw.text, replyTo: keptPosition(raw.replyTo) }
        : null;
    case 'edit':
      return of && typeof raw.text === 'string' ? { kind: 'edit', of, text: raw.text } : null;
    case 'delete':
      return of && { kind: 'delete', of };
    case 'react':
      return of && typeof raw.emoji === 'string'
        ? { kind: 'react', of, emoji: raw.emoji, remove: raw.remove === true }
        : null;
    default:
      return null;
  }
}

function keptPosition(value: unknown) {
  const raw = parseObject(value);
  return parsePosition(`${String(raw?.epoch)}-${String(raw?.n)}`);
}
