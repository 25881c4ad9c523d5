/**
 * One run for many callers: two clones of one address at the same time are one download.
 *
 * @module
 */
import { abortable, type Progress, type Trace, type Wait } from "./wait.ts";

interface Run<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  readonly listeners: Set<Progress>;
  readonly traces: Set<Trace>;
  callers: number;
}

/**
 * Joins calls with the same key that overlap in time. Each caller has its own signal, progress and
 * trace; the run itself is aborted once its last caller has left. A run that was begun by who wants no
 * progress tells nobody of any: to make it may cost something.
 */
export class Coalesce<T> {
  readonly #runs = new Map<string, Run<T>>();

  async run(key: string, work: (wait: Wait) => Promise<T>, wait: Wait): Promise<T> {
    wait.signal.throwIfAborted();
    const run = this.#runs.get(key) ?? this.#start(key, work, wait.progress !== undefined);
    run.callers++;
    if (wait.progress) run.listeners.add(wait.progress);
    if (wait.trace) run.traces.add(wait.trace);
    try {
      return await abortable(run.promise, wait.signal);
    } finally {
      if (wait.progress) run.listeners.delete(wait.progress);
      if (wait.trace) run.traces.delete(wait.trace);
      if (--run.callers === 0) {
        // The next caller starts afresh rather than joining a run that is being abandoned.
        if (this.#runs.get(key) === run) this.#runs.delete(key);
        if (wait.signal.aborted) run.controller.abort(wait.signal.reason);
      }
    }
  }

  #start(key: string, work: (wait: Wait) => Promise<T>, isTold: boolean): Run<T> {
    const controller = new AbortController();
    const listeners = new Set<Progress>();
    const progress: Progress = (done, total, what) => {
      for (const listener of listeners) listener(done, total, what);
    };
    const traces = new Set<Trace>();
    const trace: Trace = (step, agoMs) => traces.forEach((tell) => tell(step, agoMs));
    const promise = work({ signal: controller.signal, trace, ...(isTold ? { progress } : {}) });
    const run: Run<T> = { promise, controller, listeners, traces, callers: 0 };
    this.#runs.set(key, run);
    promise.catch(() => {}).finally(() => {
      if (this.#runs.get(key) === run) this.#runs.delete(key);
    });
    return run;
  }
}
