/** Looking at abort signals from outside. */

/** The signal's reason, once it has aborted. */
export function abortOf(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true })
  );
}

/** Counts the listeners that are added to `signal` from now on and not removed again. */
export function listenersOf(signal: AbortSignal): () => number {
  const present = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    present.add(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    present.delete(args[1]);
    removeEventListener.apply(signal, args);
  };
  return () => present.size;
}
