// The one place where the chat changes: state and event in, state out.

import type { User } from './entry';
import type { ChatEvent } from './event';
import * as box from './outbox';
import { samePosition, showPosition } from './position';
import * as rooms from './room';
import { caughtUp, type Room } from './room';
import type { ChatState } from './state';

/** Clocks closer than this are taken to agree. */
const CLOCK_TOLERANCE_MS = 5_000;

export function reduce(state: ChatState, event: ChatEvent): ChatState {
  switch (event.type) {
    case 'ready':
      return {
        ...state,
        link: { phase: 'ready' },
        greeted: true,
        me: sameUser(state.me, event.user) ? state.me : event.user,
        limits: event.limits,
        rooms: resume(state.rooms, event.recovered, new Map(event.rooms.map((each) => [each.room, each.position]))),
        outbox: box.unanswered(state.outbox, null),
      };
    case 'joined':
      return edit(state, event.room, (room) => rooms.beginStay(room, event.from));
    case 'entry': {
      const { entry } = event;
      const next = edit(state, entry.room, (room) => rooms.receiveEntry(room, entry, state.me));
      return entry.from.id === state.me?.id ? { ...next, outbox: box.arrive(next.outbox, entry) } : next;
    }
    case 'gap':
      return edit(state, event.room, (room) => rooms.receiveGap(room, event.gap));
    case 'void': {
      const present = state.rooms.get(event.room);
      if (!present) return state;
      const { room, withdrawn } = rooms.receiveVoid(present, event.after, state.me);
      const own = withdrawn.filter((entry) => entry.from.id === state.me?.id);
      return { ...put(state, room), outbox: box.withdraw(state.outbox, own) };
    }
    case 'presence':
      return edit(state, event.room, (room) => ({ ...room, online: event.online, users: event.users }));
    case 'typing':
      if (event.user.id === state.me?.id) return state;
      return edit(state, event.room, (room) => rooms.receiveTyping(room, event.user, event.typing, event.now));
    case 'receipt':
      return edit(state, event.room, (room) => rooms.receiveReceipt(room, event.user, event.position, state.me));
    case 'membership':
      return edit(state, event.room, (room) => {
        const { title, role } = event;
        if (role) return { ...room, title, role };
        const message = 'you are no longer a member of this room';
        const failure = { code: 'forbidden', message, retryAfterMs: null } as const;
        return { ...room, title, role, stage: 'refused', failure, line: null };
      });
    case 'joinAnswered':
      return edit(state, event.room, (room) => {
        const stayed = rooms.beginStay(room, event.from);
        const read = event.read ?? stayed.read;
        const { title, isPrivate, role, tail, online, users, unread } = event;
        const told = { ...stayed, failure: null, title, isPrivate, role, tail, online, users, read, unread };
        // Whoever comes for the first time has read nothing before the page that is shown: all of it is new, or none.
        const returns = !room.met && state.open === room.name && !samePosition(read, event.from);
        const newAfter = returns && unread > 0 ? read : room.newAfter;
        return rooms.count({ ...told, stage: 'live', met: true, newAfter }, state.me);
      });
    case 'joinRefused':
      return edit(state, event.room, (room) => ({ ...room, stage: 'refused', failure: event.failure }));
    case 'joinUnanswered':
      return edit(state, event.room, (room) => (room.stage === 'joining' ? { ...room, stage: 'idle' } : room));
    case 'listed':
      return { ...state, listed: event.rooms };
    case 'paged': {
      const own = event.entries.filter((entry) => entry.from.id === state.me?.id);
      return {
        ...edit(state, event.room, (room) => rooms.receivePage(room, event.start, event.entries, event.more)),
        outbox: own.reduce(box.arrive, state.outbox),
      };
    }
    case 'pageFailed':
      return edit(state, event.room, (room) => ({ ...room, paging: false }));
    case 'readAnswered':
      return edit(state, event.room, (room) => rooms.advanceRead(room, event.position, event.unread, state.me));
    case 'acknowledged': {
      const pending = state.outbox.find((each) => each.id === event.id);
      const copies = event.replicated || state.copies === 'replicated' ? 'replicated' : 'single';
      const next: ChatState = { ...state, copies, outbox: box.acknowledge(state.outbox, event.id) };
      if (event.replicated || !pending || copies === 'single') return next;
      const key = showPosition(event.position);
      return edit(next, pending.room, (room) => ({ ...room, unreplicated: new Set(room.unreplicated).add(key) }));
    }
    case 'sendRefused':
      return { ...state, outbox: box.refuse(state.outbox, event.id, event.failure, event.notBefore) };
    case 'sendUnanswered':
      return { ...state, outbox: box.unanswered(state.outbox, event.id) };
    case 'connecting': {
      const tries = state.link.phase === 'offline' ? state.link.tries : 0;
      return { ...state, link: { phase: 'offline', tries } };
    }
    case 'connected':
      return { ...state, link: { phase: 'greeting' } };
    case 'disconnected': {
      const tries = state.link.phase === 'offline' ? state.link.tries + 1 : 1;
      const idle = mapRooms(state.rooms, (room) =>
        room.stage === 'live' || room.stage === 'joining'
          ? { ...room, stage: 'idle', paging: false, typing: new Map() }
          : room,
      );
      return { ...state, link: { phase: 'offline', tries }, rooms: idle, outbox: box.unanswered(state.outbox, null) };
    }
    case 'rejected':
      return { ...state, link: { phase: 'signedOut', failure: event.failure } };
    case 'signedOut':
      return { ...state, link: { phase: 'signedOut', failure: null }, greeted: false, me: null, rooms: new Map() };
    case 'clockCompared': {
      const skewMs = Math.abs(event.skewMs) < CLOCK_TOLERANCE_MS ? 0 : event.skewMs;
      const close = Math.abs(skewMs - state.skewMs) < CLOCK_TOLERANCE_MS;
      return close ? state : { ...state, skewMs };
    }
    case 'opened': {
      if (event.room === state.open) return state;
      const left = state.open ? edit(state, state.open, (room) => ({ ...room, newAfter: null })) : state;
      const next = { ...left, open: event.room };
      if (!event.room) return next;
      return edit(next, event.room, (room) => ({ ...room, newAfter: room.unread > 0 ? room.read : null }));
    }
    case 'lookedAway':
      return edit(state, event.room, (room) =>
        room.unread === 0 && room.line && caughtUp(room) ? { ...room, newAfter: room.line.cursor } : room,
      );
    case 'wanted': {
      const room = state.rooms.get(event.room);
      if (room?.stage === 'refused') return put(state, { ...room, stage: 'idle', failure: null });
      return room ? state : put(state, rooms.newRoom(event.room));
    }
    case 'left': {
      const remaining = new Map(state.rooms);
      remaining.delete(event.room);
      const outbox = state.outbox.filter((pending) => pending.room !== event.room);
      return { ...state, rooms: remaining, outbox };
    }
    case 'joining':
      return edit(state, event.room, (room) => ({ ...room, stage: 'joining', failure: null }));
    case 'paging':
      return edit(state, event.room, (room) => ({ ...room, paging: true }));
    case 'composed':
      return { ...state, outbox: box.compose(state.outbox, event.id, event.room, event.action) };
    case 'attempted': {
      const pending = state.outbox.find((each) => each.id === event.id);
      const cursor = pending ? (state.rooms.get(pending.room)?.line?.cursor ?? null) : null;
      return { ...state, outbox: box.attempt(state.outbox, event.id, event.now, cursor) };
    }
    case 'retried':
      return { ...state, outbox: box.retry(state.outbox, event.id) };
    case 'discarded':
      return { ...state, outbox: box.discard(state.outbox, event.id) };
    case 'ticked': {
      const lively = mapRooms(state.rooms, (room) => rooms.expireTyping(room, event.now));
      return lively === state.rooms ? state : { ...state, rooms: lively };
    }
  }
}

/** After a recovered session the server goes on where it was; a room whose place differs is joined again. */
function resume(
  known: ChatState['rooms'],
  recovered: boolean,
  kept: ReadonlyMap<string, Room['tail']>,
): ChatState['rooms'] {
  return mapRooms(known, (room) => {
    if (room.stage === 'refused') return room;
    const place = kept.get(room.name) ?? null;
    const goesOn = recovered && place !== null && room.line !== null && place.n <= room.line.cursor.n;
    return { ...room, stage: goesOn ? 'live' : 'idle', tail: null };
  });
}

function edit(state: ChatState, name: string, change: (room: Room) => Room): ChatState {
  const room = state.rooms.get(name);
  if (!room) return state;
  const changed = change(room);
  return changed === room ? state : put(state, changed);
}

function put(state: ChatState, room: Room): ChatState {
  return { ...state, rooms: new Map(state.rooms).set(room.name, room) };
}

function mapRooms(known: ChatState['rooms'], change: (room: Room) => Room): ChatState['rooms'] {
  let changed = false;
  const next = new Map<string, Room>();
  for (const [name, room] of known) {
    const after = change(room);
    changed ||= after !== room;
    next.set(name, after);
  }
  return changed ? next : known;
}

function sameUser(a: User | null, b: User): boolean {
  return a?.id === b.id && a.name === b.name;
}
