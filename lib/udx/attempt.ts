/**
 * Calls a listener. What it throws is nobody's to catch here: it is thrown again where it stops no
 * loop that serves others. (By a timer: Deno 2.9 forgets what else was to be called by setImmediate
 * when something is thrown there, or in a microtask of it.)
 */
export function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    setTimeout(() => {
      throw error;
    }, 0);
  }
}
