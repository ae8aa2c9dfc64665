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

/** What to do, in one sentence. */
export function advice(failure: Failure): string {
  switch (failure.code) {
    case 'unauthenticated':
      return 'Sign in again.';
    case 'forbidden':
      return 'You may not do this here.';
    case 'not_found':
      return 'It is not there any more.';
    case 'invalid':
      return 'Change it and try again.';
    case 'too_large':
      return 'Make it shorter and try again.';
    case 'rate_limited':
      return 'Wait a moment; it is tried again by itself.';
    case 'unavailable':
      return 'The server is busy; it is tried again by itself.';
    case 'unknown_outcome':
      return 'It may or may not have arrived. Look above, then retry or discard it.';
    case 'conflict':
      return 'Choose another one.';
  }
}
