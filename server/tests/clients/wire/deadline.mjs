// Waiting with an end: tests wait for conditions, and say what they waited for when it never came.

/** Longest that any single step of a test may take. Generous, since test machines are busy; a step that works takes milliseconds. */
export const STEP_MS_MAX = 10_000;

/** Settles as `promise` does, or rejects with the name of what did not come within `ms`. */
export function within(promise, what, ms = STEP_MS_MAX) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Calls `check` until it returns something truthy, and returns that. */
export async function until(check, what, ms = STEP_MS_MAX) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${typeof what === "function" ? what() : what}`);
    await pause(5);
  }
}

/** For tests that need time itself to pass (a heartbeat, a silence), never to hope that something has happened by then. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The first event of this name on an emitter: its arguments. */
export function once(emitter, event, ms = STEP_MS_MAX) {
  return within(new Promise((resolve) => emitter.once(event, (...args) => resolve(args))), `event ${event}`, ms);
}
