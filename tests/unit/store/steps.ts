/**
 * The steps by which a publication comes into the store. Each is a file that is about to come into its
 * place or to go, so a test can tell them apart from outside and nothing in the product names them.
 *
 * @module
 */

/** A change that is about to be made: the path that a file is moved to, or that is removed. */
interface Step {
  readonly moved?: RegExp;
  readonly removed?: RegExp;
  /** Which of several changes like that; the first by default. */
  readonly nth?: number;
  /** Whether the publication is the current one by then. */
  readonly isDone: boolean;
}

const PACK = { moved: /\/objects\/pack\/pack-\w+\.pack$/, isDone: false };
const INDEX = { moved: /\/objects\/pack\/pack-\w+\.idx$/, isDone: false };
const MANIFEST = { moved: /\/gtr\/manifest\.json$/, isDone: false };
const REFS = { moved: /\/packed-refs$/, isDone: true };
const STATE = { moved: /\/gtr\/state\.json$/, isDone: true };

/** Steps of what comes from elsewhere, in their order. */
export const ACCEPTED: Readonly<Record<string, Step>> = {
  pack: PACK,
  index: INDEX,
  manifest: MANIFEST,
  refs: REFS,
  state: STATE,
  "replaced packs": { moved: /\/gtr\/retired\/\w+\.pack$/, isDone: true },
  "the end of the check": { removed: /\/gtr\/quarantine-\w+$/, isDone: true },
  "what was fetched": { removed: /\/gtr\/incoming\/\w+\.pack$/, isDone: true },
};

/** Steps of a publication of one's own that lists no packs, in their order. */
export const ANNOUNCED: Readonly<Record<string, Step>> = {
  pack: PACK,
  index: INDEX,
  "the plan": { ...STATE, isDone: false },
  manifest: MANIFEST,
  refs: REFS,
  state: { ...STATE, nth: 2 },
  "replaced packs": { removed: PACK.moved, isDone: true },
};

/** Ends this process as `kill -9` does as soon as the step is next. */
export function dieBefore({ moved, removed, nth = 1 }: Step): void {
  const { rename, remove } = Deno;
  let times = 0;
  const check = (wanted: RegExp | undefined, path: string | URL) => {
    if (wanted?.test(String(path)) && ++times === nth) Deno.kill(Deno.pid, "SIGKILL");
  };
  // node:fs makes its changes by these, too.
  Object.defineProperties(Deno, {
    rename: {
      value: (...args: Parameters<typeof rename>) => {
        check(moved, args[1]);
        return rename(...args);
      },
    },
    remove: {
      value: (...args: Parameters<typeof remove>) => {
        check(removed, args[0]);
        return remove(...args);
      },
    },
  });
}
