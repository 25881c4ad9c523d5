/**
 * Noticing that the machine has slept: timers count only the time that it was awake.
 *
 * @module
 */

const LOOK_MS = 10_000;
/** The clock of the day may be set by a few seconds at any time. */
const SLEPT_MS = 60_000;

/**
 * Calls `woken` soon after the machine has slept for a minute or more, until disposed.
 *
 * @param now milliseconds since 1970, which go on while it sleeps
 */
export function onWaking(woken: () => void, now: () => number = Date.now): Disposable {
  let last = now();
  const timer = setInterval(() => {
    const slept = now() - last - LOOK_MS;
    last = now();
    if (slept > SLEPT_MS) woken();
  }, LOOK_MS);
  Deno.unrefTimer(timer as unknown as number);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
