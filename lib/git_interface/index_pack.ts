/**
 * Checking and indexing packs (`git index-pack`).
 *
 * @module
 */
import { GitError, StoreError, VerificationError } from "../common/errors.ts";
import type { Progress } from "../common/wait.ts";
import { packObjectCount } from "./pack_file.ts";
import { type GitEnd, gitFailure, reason, runGit } from "./run.ts";

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
 * @throws {VerificationError} "bad-pack", "missing-objects"
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
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<{ objects: number; selfContained: boolean }> {
  const objects = await packObjectCount(options.pack);
  const args = indexPackArguments(options);
  if (options.progress) args.push("-v");
  args.push(options.pack);
  const { gitDir, objectDirectory, alternates, signal, progress } = options;
  const end = await runGit(args, {
    ...{ gitDir, objectDirectory, alternates, signal, progress },
    allowFail: true,
  });
  // exit code 1 says: all links lead to objects that exist, but not all of them into the pack
  if (end.code > 1 || (end.code === 1 && !options.connected)) {
    throw packFailure(args, end, (await Deno.stat(options.pack)).size);
  }
  return { objects, selfContained: options.connected && end.code === 0 };
}

/** The command with the checks that are wanted; the name of the pack is still to be added. */
export function indexPackArguments(options: {
  readonly idx: string;
  readonly strict: boolean;
  readonly connected: boolean;
}): string[] {
  const args = ["index-pack", "--no-rev-index", `--threads=${navigator.hardwareConcurrency}`];
  if (options.strict) args.push("--strict");
  if (options.connected) args.push("--check-self-contained-and-connected");
  return [...args, "-o", options.idx];
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
 */
function packFailure(
  args: readonly string[],
  end: GitEnd,
  size: number,
): VerificationError | GitError | StoreError {
  const failure = gitFailure(args, end);
  const ownExit = end.code === 1 || end.code === 128; // anything else: killed, or git's own bug
  const [, asked] = /tried to allocate (\d+) bytes/.exec(end.stderr) ?? [];
  const lies = Number(asked) > MOST_INFLATED * Math.max(size, 1024); // no memory would be enough
  const isLocal = LOCAL.test(end.stderr) && !lies;
  if (failure instanceof StoreError || !ownExit || isLocal) return failure;
  const code = MISSING.test(end.stderr) ? "missing-objects" : "bad-pack";
  return new VerificationError(code, `can't use a pack: ${reason(end)}`, { cause: failure });
}
