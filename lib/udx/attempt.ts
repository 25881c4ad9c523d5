/**
 * Calls a listener. What it throws is nobody's to catch here: it is thrown again where it stops no
 * loop that serves others.
 */
export function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
