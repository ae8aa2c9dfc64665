// The thin part between the chat's state and a stock socket.io client: events go in, and after each one `#settle`
// looks at the state and asks the server for what is missing (stays in rooms, the next send of each room).

import { io, type Socket } from 'socket.io-client';
import type { Entry, Member, Role, User } from '../chat/entry';
import type { ChatEvent } from '../chat/event';
import { passes, type Failure } from '../chat/failure';
import { nextToSend, type Action, type Pending } from '../chat/outbox';
import { nextPosition, parsePosition, showPosition, type Position } from '../chat/position';
import { caughtUp, covers } from '../chat/room';
import { ask, type Answer } from './ask';
import { Identity } from './identity';
import { keep } from './keep';
import {
  parseEntries,
  parseEvent,
  parseListed,
  parseObject,
  parseFailure,
  parseMembers,
  parseStay,
  count,
} from './parse';
import { newId, question } from './question';
import { Store } from './store';

/** Entries that a first visit to a room shows. */
const FIRST_PAGE = 50;

/** "Typing" is said again after this long, in milliseconds; others believe it for a while longer. */
const TYPING_AGAIN_MS = 3_000;

/** Before the next try where the server named no time, in milliseconds. */
const RETRY_MS = 2_000;

export class Session {
  readonly store: Store;
  #socket: Socket | null = null;
  readonly #identity = new Identity();
  #typingSaid = new Map<string, number>();
  #keptOutbox: unknown = null;
  #keptRooms = '';

  constructor(store: Store) {
    this.store = store;
    setInterval(() => this.#apply({ type: 'ticked', now: Date.now() }), 1_000);
  }

  /** Connects as who one was the last time, if there was one. */
  resume(): void {
    if (!this.#identity.known) return;
    for (const room of keep.rooms()) this.#apply({ type: 'wanted', room });
    this.#connect();
  }

  signIn(name: string): void {
    this.#identity.call(name);
    for (const room of keep.rooms()) this.#apply({ type: 'wanted', room });
    this.#connect();
  }

  signOut(): void {
    this.#socket?.disconnect();
    this.#socket = null;
    this.#identity.forget();
    this.#apply({ type: 'signedOut' });
  }

  /** Tries to connect now instead of waiting for the next turn. */
  hurry(): void {
    if (!this.#socket || this.#socket.connected) return;
    this.#socket.disconnect();
    this.#socket.connect();
  }

  open(room: string | null): void {
    if (room !== null) this.#apply({ type: 'wanted', room });
    this.#apply({ type: 'opened', room });
  }

  lookAway(room: string): void {
    this.#apply({ type: 'lookedAway', room });
  }

  leave(room: string): void {
    if (this.#socket) void ask(this.#socket, 'leave', { room });
    this.#apply({ type: 'left', room });
  }

  send(room: string, action: Action): void {
    this.#apply({ type: 'composed', id: newId(), room, action });
    if (action.kind === 'message') this.typing(room, false);
  }

  retry(id: string): void {
    this.#apply({ type: 'retried', id });
  }

  discard(id: string): void {
    this.#apply({ type: 'discarded', id });
  }

  typing(room: string, typing: boolean): void {
    const said = this.#typingSaid.get(room) ?? 0;
    const now = Date.now();
    if (!this.#socket?.connected || (typing ? now - said < TYPING_AGAIN_MS : said === 0)) return;
    this.#typingSaid.set(room, typing ? now : 0);
    this.#socket.volatile.emit('typing', { room, typing });
  }

  /** Loads the page above what is shown. */
  async older(room: string): Promise<void> {
    const known = this.store.state.rooms.get(room);
    if (!this.#socket?.connected || !known?.line?.more || known.paging || !caughtUp(known)) return;
    const { start } = known.line;
    this.#apply({ type: 'paging', room });
    const limit = this.store.state.limits.historyPage;
    const question = { room, before: showPosition(nextPosition(start)), limit: Math.min(limit, 100) };
    const answer = await ask(this.#socket, 'history', question);
    if (answer.outcome !== 'accepted') {
      this.#apply({ type: 'pageFailed', room });
      return;
    }
    const entries: readonly Entry[] = parseEntries(answer.body.entries);
    this.#apply({ type: 'paged', room, start, entries, more: answer.body.more === true });
  }

  async read(room: string, position: Position): Promise<void> {
    if (!this.#socket) return;
    const answer = await ask(this.#socket, 'read', { room, position: showPosition(position) });
    if (answer.outcome !== 'accepted') return;
    this.#apply({ type: 'readAnswered', room, position, unread: count(answer.body.unread) });
  }

  /** Asks for the list of rooms. */
  async list(): Promise<void> {
    if (!this.#socket) return;
    const answer = await ask(this.#socket, 'rooms', {});
    if (answer.outcome === 'accepted') this.#apply({ type: 'listed', rooms: parseListed(answer.body.rooms) });
  }

  /** Makes a private room of this title, and says its name. */
  create(title: string): Promise<string | Failure> {
    return this.#make('create', { title, visibility: 'private' });
  }

  /** Says the name of the room that one has with this person alone. */
  dm(user: User): Promise<string | Failure> {
    return this.#make('dm', { user: user.id });
  }

  /** The members of a private room, or why they are not told. */
  async members(room: string): Promise<readonly Member[] | Failure> {
    const answer = await this.#ask('members', { room });
    return answer.outcome === 'accepted' ? parseMembers(answer.body.members) : failureOf(answer);
  }

  invite(room: string, user: string, role: Role): Promise<Failure | null> {
    return this.#change('invite', { room, user, role });
  }

  kick(room: string, user: string): Promise<Failure | null> {
    return this.#change('kick', { room, user });
  }

  setRole(room: string, user: string, role: Role): Promise<Failure | null> {
    return this.#change('role', { room, user, role });
  }

  async #make(event: string, question: object): Promise<string | Failure> {
    const answer = await this.#ask(event, question);
    if (answer.outcome !== 'accepted') return failureOf(answer);
    const room = parseObject(answer.body.room)?.room;
    return typeof room === 'string' ? room : failureOf({ outcome: 'unanswered' });
  }

  async #change(event: string, question: object): Promise<Failure | null> {
    const answer = await this.#ask(event, question);
    return answer.outcome === 'accepted' ? null : failureOf(answer);
  }

  #ask(event: string, question: object): Promise<Answer> {
    return this.#socket ? ask(this.#socket, event, question) : Promise.resolve({ outcome: 'unanswered' });
  }

  #connect(): void {
    this.#socket?.removeAllListeners().disconnect();
    const socket = io({
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      autoConnect: false,
      forceNew: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 5_000,
      auth: (give) => give(this.#identity.auth),
    });
    this.#socket = socket;
    socket.io.on('open', () => this.#apply({ type: 'connected' }));
    socket.on('disconnect', (reason) => {
      this.#apply({ type: 'disconnected' });
      if (reason === 'io server disconnect') setTimeout(() => this.#socket?.connect(), RETRY_MS);
    });
    socket.on('connect_error', (error) => this.#refused(socket, error));
    socket.onAny((name: string, value: unknown) => this.#heard(name, value));
    this.#apply({ type: 'connecting' });
    socket.connect();
    void this.#compareClocks();
  }

  #refused(socket: Socket, error: Error): void {
    this.#apply({ type: 'disconnected' });
    if (socket.active) return;
    const data = 'data' in error ? parseObject(error.data) : null;
    const failure = parseFailure({ code: data?.code, message: error.message });
    if (failure.code === 'unauthenticated' && this.#identity.dropToken()) {
      socket.connect();
    } else if (passes(failure)) {
      setTimeout(() => this.#socket?.connect(), failure.retryAfterMs ?? RETRY_MS);
    } else {
      this.#apply({ type: 'rejected', failure });
    }
  }

  #heard(name: string, value: unknown): void {
    const event = parseEvent(name, value, Date.now());
    if (!event) return;
    if (event.type === 'ready') {
      this.#identity.learn(event.user.name, parseObject(value)?.token);
      this.#apply(event);
      void this.list();
      return;
    }
    if (event.type === 'membership') {
      // A room that somebody has let one into is followed, so that what is said there is noticed.
      if (event.role) this.#apply({ type: 'wanted', room: event.room });
      void this.list();
    }
    this.store.receive(event);
    this.#settle();
  }

  #apply(event: ChatEvent): void {
    this.store.dispatch(event);
    this.#settle();
  }

  /** Asks for whatever the state lacks. Asking changes the state first, so nothing is asked for twice. */
  #settle(): void {
    this.#persist();
    const socket = this.#socket;
    const { state } = this.store;
    if (state.link.phase !== 'ready' || !socket?.connected) return;
    for (const room of state.rooms.values()) {
      if (room.stage === 'idle') void this.#join(socket, room.name);
      if (!caughtUp(room)) continue;
      const pending = nextToSend(state.outbox, room.name);
      if (pending && pending.notBefore <= Date.now()) void this.#deliver(socket, pending);
    }
  }

  async #join(socket: Socket, room: string): Promise<void> {
    const line = this.store.state.rooms.get(room)?.line;
    this.store.dispatch({ type: 'joining', room });
    const cursor = line ? { after: showPosition(line.cursor) } : { last: FIRST_PAGE };
    const answer = await ask(socket, 'join', { room, ...cursor });
    if (socket !== this.#socket) return;
    if (answer.outcome === 'accepted') this.#apply(parseStay(room, answer.body));
    else if (answer.outcome === 'unanswered') this.#apply({ type: 'joinUnanswered', room });
    else if (passes(answer.failure)) {
      const wait = answer.failure.retryAfterMs ?? RETRY_MS;
      setTimeout(() => this.#apply({ type: 'joinUnanswered', room }), wait);
    } else this.#apply({ type: 'joinRefused', room, failure: answer.failure });
  }

  async #deliver(socket: Socket, pending: Pending): Promise<void> {
    const { id, room, action } = pending;
    if (this.#inDoubt(pending)) {
      const message = 'The connection was lost while this was on its way.';
      const failure: Failure = { code: 'unknown_outcome', message, retryAfterMs: null };
      this.#apply({ type: 'sendRefused', id, failure, notBefore: null });
      return;
    }
    const sentAt = Date.now();
    this.store.dispatch({ type: 'attempted', id, now: sentAt });
    const answer = await ask(socket, ...question(room, id, action));
    if (answer.outcome === 'unanswered') {
      this.#apply({ type: 'sendUnanswered', id });
      return;
    }
    const now = Date.now();
    if (answer.outcome === 'refused') {
      const { failure } = answer;
      const notBefore = passes(failure) ? now + (failure.retryAfterMs ?? RETRY_MS) : null;
      this.#apply({ type: 'sendRefused', id, failure, notBefore });
      return;
    }
    const { position, at, duplicate, replicated } = answer.body;
    if (typeof at === 'number' && duplicate !== true) {
      this.#apply({ type: 'clockCompared', skewMs: at - (sentAt + now) / 2 });
    }
    const place = parsePosition(position);
    if (place) this.#apply({ type: 'acknowledged', id, position: place, replicated: replicated !== false });
    else this.#apply({ type: 'sendUnanswered', id });
  }

  /** Tried so long ago that the server may have forgotten the id, and the line cannot tell whether it arrived. */
  #inDoubt(pending: Pending): boolean {
    const { state } = this.store;
    if (pending.tried === null || Date.now() - pending.tried < state.limits.dedupSeconds * 1_000) return false;
    const room = state.rooms.get(pending.room);
    return !room || pending.seen === null || !covers(room, pending.seen);
  }

  #persist(): void {
    const { outbox, rooms, link } = this.store.state;
    if (outbox !== this.#keptOutbox) {
      this.#keptOutbox = outbox;
      keep.setOutbox(outbox);
    }
    const names = [...rooms.values()].filter((room) => room.stage !== 'refused').map((room) => room.name);
    const joined = names.join('\n');
    if (joined !== this.#keptRooms && link.phase !== 'signedOut') {
      this.#keptRooms = joined;
      keep.setRooms(names);
    }
  }

  /** The page's own answer carries the server's time; a machine whose clock is off would show wrong times without. */
  async #compareClocks(): Promise<void> {
    try {
      const asked = Date.now();
      const date = Date.parse((await fetch('.', { method: 'HEAD', cache: 'no-store' })).headers.get('date') ?? '');
      const now = Date.now();
      if (!Number.isNaN(date)) this.#apply({ type: 'clockCompared', skewMs: date + 500 - (asked + now) / 2 });
    } catch {
      // The clocks are compared again with the first send that is acknowledged.
    }
  }
}

function failureOf(answer: Exclude<Answer, { readonly outcome: 'accepted' }>): Failure {
  if (answer.outcome === 'refused') return answer.failure;
  return { code: 'unavailable', message: 'The server did not answer.', retryAfterMs: null };
}
