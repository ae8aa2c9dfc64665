// Why the server refused something, and what a person can do about it.

export const FAILURE_CODES = [
  'unauthenticated',
  'forbidden',
  'not_found',
  'invalid',
  'too_large',
  'rate_limited',
  'unavailable',
  'unknown_outcome',
  'conflict',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/** True where the same request may succeed a moment later, so that the page tries again by itself. */
export function passes(failure: Failure): boolean {
  switch (failure.code) {
    case 'rate_limited':
    case 'unavailable':
    case 'unknown_outcome':
      return true;
    case 'unauthenticated':
    case 'forbidden':
    case 'not_found':
    case 'invalid':
    case 'too_large':
    case 'conflict':
      return false;
  }
}

/** What is wrong and what to do, in two sentences. */
export function inWords(failure: Failure): string {
  switch (failure.code) {
    case 'unauthenticated':
      return `${sentence(failure.message)} Sign in again.`;
    case 'forbidden':
      return `${sentence(failure.message)} Ask somebody who may.`;
    case 'not_found':
      return `${sentence(failure.message)} It may be gone.`;
    case 'invalid':
    case 'too_large':
    case 'conflict':
      return `${sentence(failure.message)} Change it and try again.`;
    case 'rate_limited':
      return 'That was a lot at once. It goes on by itself in a moment.';
    case 'unavailable':
      return 'The server cannot take it right now. It is tried again by itself.';
    case 'unknown_outcome':
      return 'It may or may not have arrived. Look above, then retry or discard it.';
  }
}

/** The server's reason as a sentence: it writes them without a capital and without an end. */
function sentence(message: string): string {
  const trimmed = message.trim();
  return `${trimmed.charAt(0).toLocaleUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? '' : '.'}`;
}
