/**
 * Whether history is complete.
 *
 * @module
 */
import { VerificationError } from "../common/errors.ts";
import { deadline } from "../common/wait.ts";
import { type Budget, isOverBudget, OverBudgetError, patienceMs } from "./budget.ts";
import { gitFailure, reason, runGit } from "./run.ts";

/** Where objects are looked for, and how long. */
export interface ObjectSource {
  readonly objectDirectory?: string;
  readonly alternates?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Walks everything reachable from `tips` and not from `notTips`, as `git fetch` does after it has
 * received a pack.
 *
 * @param options `notTips`: object ids known to be present with all they lead to
 * @throws {VerificationError} "missing-objects", "over-budget"
 */
export async function checkConnected(
  gitDir: string,
  tips: readonly string[],
  options: ObjectSource & { readonly notTips?: readonly string[]; readonly budget?: Budget } = {},
): Promise<void> {
  if (tips.length === 0) return;
  const { notTips = [], ...source } = options;
  const args = ["rev-list", "--objects", "--stdin", "--quiet"];
  const input = [...tips, ...notTips.map((oid) => `^${oid}`)].join("\n") + "\n";
  const { budget } = source;
  using limit = budget && deadline(patienceMs(budget), "history to be walked", source.signal);
  const signal = limit?.signal ?? source.signal;
  const end = await runGit(args, { gitDir, ...source, signal, input, allowFail: true });
  if (end.code === 0) return;
  if (budget && isOverBudget(end)) throw new OverBudgetError(budget);
  const failure = gitFailure(args, end);
  if (end.code !== 128) throw failure;
  throw new VerificationError("missing-objects", `history is incomplete: ${reason(end)}`, {
    cause: failure,
  });
}

/**
 * The types of objects: "commit", "tree", "blob" or "tag"; those that don't exist are left out.
 *
 * @throws {GitError}
 */
export async function objectTypes(
  gitDir: string,
  oids: Iterable<string>,
  source: ObjectSource = {},
): Promise<Map<string, string>> {
  const input = [...oids].join("\n");
  const types = new Map<string, string>();
  if (input === "") return types;
  const { stdout } = await runGit(
    ["cat-file", "--batch-check=%(objectname) %(objecttype)", "--buffer"],
    { gitDir, ...source, input: input + "\n" },
  );
  for (const line of stdout.split("\n")) {
    const [oid, type] = line.split(" ");
    if (oid && type && type !== "missing") types.set(oid, type);
  }
  return types;
}
