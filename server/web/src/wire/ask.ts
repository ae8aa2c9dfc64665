// One question to the server and its answer: accepted, refused with a reason, or none at all.

import type { Socket } from 'socket.io-client';
import type { Failure } from '../chat/failure';
import { parseFailure, parseObject } from './parse';

/** So long an answer is waited for, in milliseconds. */
const ANSWER_MS = 10_000;

export type Answer =
  | { readonly outcome: 'accepted'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  | { readonly outcome: 'unanswered' };

export async function ask(socket: Socket, event: string, question: object): Promise<Answer> {
  if (!socket.connected) return { outcome: 'unanswered' };
  try {
    const body = parseObject(await socket.timeout(ANSWER_MS).emitWithAck(event, question));
    if (body?.ok === true) return { outcome: 'accepted', body };
    return { outcome: 'refused', failure: parseFailure(body?.error) };
  } catch {
    return { outcome: 'unanswered' };
  }
}
