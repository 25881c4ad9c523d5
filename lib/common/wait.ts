/**
 * Waiting with a deadline. Nothing in this program waits without one: the error always says what
 * was waited for and for how long.
 *
 * @module
 */
import { NetworkError } from "./errors.ts";

/** Reports progress of one activity; `total` is 0 while it is unknown. Units are the activity's own. */
export type Progress = (done: number, total: number, what: string) => void;

/**
 * Notes a step of an operation, for `GTR_TRACE`. `agoMs` is the time since it happened, for steps
 * that are told late.
 */
export type Trace = (step: string, agoMs?: number) => void;

/** What every operation that can take time accepts. */
export interface Wait {
  signal: AbortSignal;
  progress?: Progress;
  /** Absent unless somebody wants a timeline. */
  trace?: Trace;
}

/**
 * A signal that aborts when `parent` does or after `ms` milliseconds, then with a
 * {@linkcode NetworkError} "timed-out" that names `what` was awaited. `extend(ms)` gives it at least
 * so many milliseconds from now. Dispose it to free its timer.
 */
export function deadline(
  ms: number,
  what: string,
  parent?: AbortSignal,
  hint?: string,
): { signal: AbortSignal; extend: (ms: number) => void } & Disposable {
  const begun = performance.now();
  return expiring(begun + ms, parent, (end) => {
    const waited = seconds(end - begun);
    return new NetworkError("timed-out", `waited ${waited} s for ${what}: no answer`, { hint });
  });
}

/**
 * Like {@linkcode deadline}, but for work that goes on as long as it moves: each `touch()` gives it
 * another `ms` milliseconds.
 */
export function idleDeadline(
  ms: number,
  what: string,
  parent?: AbortSignal,
  hint?: string,
): { signal: AbortSignal; touch: () => void; extend: (ms: number) => void } & Disposable {
  let last = performance.now();
  const limit = expiring(last + ms, parent, (end) => {
    const silent = seconds(end - last);
    return new NetworkError("nobody-answered", `nothing came for ${silent} s: ${what}`, { hint });
  });
  return {
    ...limit,
    touch: () => {
      last = performance.now();
      limit.extend(ms);
    },
  };
}

/** Rounded to tenths, for a person: of the time that was allowed, however late its end was noticed. */
function seconds(ms: number): number {
  return Math.round(Math.round(ms) / 100) / 10; // 50 ms of a clock that runs for days are 49.999
}

/** Aborts at the time `end` of the monotonic clock, which may be put off meanwhile. */
function expiring(
  end: number,
  parent: AbortSignal | undefined,
  reason: (end: number) => NetworkError,
): { signal: AbortSignal; extend: (ms: number) => void } & Disposable {
  const controller = new AbortController();
  const expire = () => {
    const left = end - performance.now();
    if (left > 0) timer = setTimeout(expire, left);
    else controller.abort(reason(end));
  };
  let timer = setTimeout(expire, Math.max(0, end - performance.now()));
  const follow = () => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  else parent?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    extend: (ms) => {
      end = Math.max(end, performance.now() + ms);
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent?.removeEventListener("abort", follow);
    },
  };
}

/** Settles as `promise` does, or rejects with the signal's reason if it aborts first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {}); // its outcome no longer matters to anyone
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason if it aborts first. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
