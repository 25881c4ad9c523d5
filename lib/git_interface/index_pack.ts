/**
 * Checking and indexing packs (`git index-pack`).
 *
 * @module
 */
import { join } from "node:path";
import { GitError, StoreError, VerificationError } from "../common/errors.ts";
import { deadline, type Progress } from "../common/wait.ts";
import { type Budget, isOverBudget, OverBudgetError, patienceMs } from "./budget.ts";
import { packObjectCount } from "./pack_file.ts";
import { type GitEnd, gitFailure, reason, runGit, spawnGit } from "./run.ts";

/**
 * Checks every object of the file `pack` and writes its index to `idx`. The pack must hold every
 * delta base it needs. It stays where it is.
 *
 * With `connected`, every object that an object of the pack names must exist: in the pack, in
 * `objectDirectory` (default: the repository's) or in `alternates`. Where those hold only packs that
 * went through the same check, whatever exists is complete, and no walk over history is needed.
 *
 * @param options `strict` makes the checks of `transfer.fsckObjects` too
 * @returns `selfContained`: nothing outside of the pack is named (only told with `connected`)
 * @throws {VerificationError} "bad-pack", "missing-objects", "over-budget"
 * @throws {StoreError} "disk-full"
 * @throws {GitError}
 */
export async function indexPack(options: {
  readonly gitDir: string;
  readonly pack: string;
  readonly idx: string;
  readonly objectDirectory?: string;
  readonly alternates?: readonly string[];
  readonly strict: boolean;
  readonly connected: boolean;
  readonly budget?: Budget;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<{ objects: number; selfContained: boolean }> {
  const objects = await packObjectCount(options.pack);
  const args = indexPackArguments(options);
  if (options.progress) args.push("-v");
  args.push(options.pack);
  const { gitDir, objectDirectory, alternates, budget, progress } = options;
  using limit = budget && deadline(patienceMs(budget), "a pack to be indexed", options.signal);
  const signal = limit?.signal ?? options.signal;
  const end = await runGit(args, {
    gitDir,
    objectDirectory,
    alternates,
    signal,
    progress,
    budget,
    allowFail: true,
  });
  if (isFailure(end, options.connected)) {
    throw packFailure(args, end, (await Deno.stat(options.pack)).size, budget);
  }
  return { objects, selfContained: options.connected && end.code === 0 };
}

/** A pack that is being given to git. */
export interface IncomingPack {
  /** Gives git the next bytes; a git that has ended takes them too. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * To be called after the last byte.
   *
   * @throws {VerificationError} "bad-pack", "missing-objects", "over-budget"
   * @throws {StoreError} "disk-full"
   * @throws {GitError}
   */
  end(): Promise<{ readonly packPath: string; readonly idxPath: string }>;
}

/**
 * Like {@linkcode indexPack}, but git reads the bytes as they are written, and flushes a copy of its
 * own of them, with the index beside it, to `objectDirectory`.
 *
 * @param options `size`: bytes of the whole pack; `name`: of its file, without ".pack"
 */
export async function indexIncoming(options: {
  readonly gitDir: string;
  readonly objectDirectory: string;
  readonly name: string;
  readonly size: number;
  readonly strict: boolean;
  readonly connected: boolean;
  readonly budget?: Budget;
  readonly signal: AbortSignal;
  readonly progress?: Progress;
}): Promise<IncomingPack> {
  const { gitDir, objectDirectory, signal, connected, size, budget } = options;
  const base = join(objectDirectory, "pack", options.name);
  const taken = { packPath: `${base}.pack`, idxPath: `${base}.idx` };
  const args = [
    "-c",
    "core.fsync=pack,pack-metadata",
    ...indexPackArguments({ ...options, idx: taken.idxPath }),
    ...(options.progress ? ["-v"] : []),
    "--stdin",
    taken.packPath,
  ];
  const progress: Progress | undefined = options.progress &&
    ((done, total, what) =>
      options.progress?.(done, total, what === "Receiving objects" ? "Indexing objects" : what));
  const late = new AbortController();
  const git = await spawnGit(args, {
    gitDir,
    objectDirectory,
    progress,
    budget,
    signal: AbortSignal.any([signal, late.signal]),
  });
  const output = git.stdout.pipeTo(new WritableStream()).catch(() => {});
  const stdin = git.stdin.getWriter();
  let isTaking = true;
  const finish = async () => {
    await stdin.close().catch(() => {});
    void flush(taken.packPath); // git does so too, but only once it has resolved all deltas
    using limit = budget && deadline(patienceMs(budget), "a pack to be indexed", signal);
    limit?.signal.addEventListener("abort", () => late.abort(limit.signal.reason), { once: true });
    const [end] = await Promise.all([git.ended, output]);
    if (isFailure(end, connected)) throw packFailure(args, end, size, budget);
    // From a pipe git takes no more than the pack, and doesn't mind what follows.
    if ((await Deno.stat(taken.packPath)).size === size) return taken;
    throw new VerificationError("bad-pack", "can't use a pack: there is something behind its end");
  };
  let finished: ReturnType<typeof finish> | undefined;
  return {
    async write(bytes) {
      // Why it has ended early, its exit code and its words will say.
      if (isTaking) await stdin.write(bytes).catch(() => isTaking = false);
    },
    end: () => finished ??= finish(),
  };
}

/** Has the disk begun with what is in the file so far. */
async function flush(path: string): Promise<void> {
  try {
    using file = await Deno.open(path);
    await file.syncData();
  } catch {
    // git has removed it, or will say what is wrong
  }
}

/** The command with the checks that are wanted; the name of the pack is still to be added. */
function indexPackArguments(options: {
  readonly idx: string;
  readonly strict: boolean;
  readonly connected: boolean;
  readonly budget?: Budget;
}): string[] {
  const threads = options.budget?.threads ?? navigator.hardwareConcurrency;
  const args = ["index-pack", "--no-rev-index", `--threads=${threads}`];
  if (options.strict) args.push("--strict");
  if (options.connected) args.push("--check-self-contained-and-connected");
  return [...args, "-o", options.idx];
}

/** Exit code 1 says: all links lead to objects that exist, but not all of them into the pack. */
function isFailure({ code }: GitEnd, connected: boolean): boolean {
  return code > 1 || (code === 1 && !connected);
}

const MISSING = /did not receive expected object|not all child objects/i;
const LOCAL =
  /unable to create|cannot (open|create|store)|permission denied|out of memory|not a git repo|sigalrm|unable to create thread/i;

/** An object is never more than so many times as large as the pack that it is deflated in. */
const MOST_INFLATED = 1032;

/**
 * Blames the pack, unless git's words show that it is this machine's fault.
 *
 * @param size bytes of the pack
 * @param budget what git had to keep to
 */
function packFailure(
  args: readonly string[],
  end: GitEnd,
  size: number,
  budget?: Budget,
): VerificationError | GitError | StoreError {
  if (budget && isOverBudget(end)) return new OverBudgetError(budget);
  const failure = gitFailure(args, end);
  const ownExit = end.code === 1 || end.code === 128; // anything else: killed, or git's own bug
  const [, asked] = /tried to allocate (\d+) bytes/.exec(end.stderr) ?? [];
  const lies = Number(asked) > MOST_INFLATED * Math.max(size, 1024); // no memory would be enough
  const isLocal = LOCAL.test(end.stderr) && !lies;
  if (failure instanceof StoreError || !ownExit || isLocal) return failure;
  const code = MISSING.test(end.stderr) ? "missing-objects" : "bad-pack";
  return new VerificationError(code, `can't use a pack: ${reason(end)}`, { cause: failure });
}
