/**
 * Time as this process's event loop sees it, for what has to happen soon: the turns that a busy machine
 * takes from the process don't count, so they can't fail a test.
 *
 * @module
 */

const TICK_MS = 10;

/** Counts from now on; `ms` is never more than the time that has passed. */
export function loopClock(): { readonly ms: number } & Disposable {
  let ticks = 0;
  const timer = setInterval(() => ticks++, TICK_MS);
  return {
    get ms() {
      return ticks * TICK_MS;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
