/**
 * `git push` to one's own address: the store takes the refs as a git server would.
 *
 * @module
 */
import { RequestError } from "../../common/errors.ts";
import type { Wait } from "../../common/wait.ts";
import { isAncestor } from "../../git_interface/refs.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import type { ObjectFormat } from "../../manifest/types.ts";
import { conflictingRef, isValidRefName } from "../../manifest/ref_name.ts";
import type { EngineParts } from "../parts.ts";

/** One ref that a push asks to change; `oid` null deletes. */
export interface RefUpdate {
  readonly ref: string;
  readonly oid: string | null;
  readonly force: boolean;
  /** What the ref must be now (`--force-with-lease`); null for absent, undefined for whatever. */
  readonly expected?: string | null;
}

/** What a push brings. */
export interface PushRequest {
  /** Object directories that hold what is pushed. */
  readonly objectDirs: readonly string[];
  readonly objectFormat: ObjectFormat;
  readonly updates: readonly RefUpdate[];
  /** All updates or none. */
  readonly atomic?: boolean;
}

/** What became of one ref; of those that have changed, the first has what did not work. */
export type PushResult =
  | { readonly ref: string; readonly ok: true; readonly warnings?: readonly string[] }
  | { readonly ref: string; readonly ok: false; readonly why: string };

/** Says no to a push that is not to one's own address. */
export function refuseForeignPush(parts: EngineParts, address: RepoAddress): void {
  if (address.id === parts.key.id) return;
  throw new RequestError(
    "not-yours",
    `can't push to ${formatAddress(address)}: only its publisher can`,
    {
      hint: "publish your own copy (gtr init in your clone) and send its address to the publisher",
    },
  );
}

/** The outcome per ref, and the refs that result. */
export interface Applied {
  readonly results: PushResult[];
  readonly refs: Record<string, string>;
  readonly head: string;
}

/**
 * Applies updates to the published refs by the rules of `git receive-pack`: only a forced update
 * may drop commits, and the branch HEAD names can't be deleted.
 */
export async function applyPush(
  request: PushRequest,
  now: { refs: Readonly<Record<string, string>>; head?: string; gitDir: string },
  wait: Wait,
): Promise<Applied> {
  const refs: Record<string, string> = { ...now.refs };
  const head = now.head ?? firstBranch(request) ?? "refs/heads/main";
  const results: PushResult[] = [];
  for (const update of request.updates) {
    const { ref, oid } = update;
    const why = await refusal(update);
    if (why) {
      results.push({ ref, ok: false, why });
      continue;
    }
    if (oid === null) delete refs[ref];
    else refs[ref] = oid;
    results.push({ ref, ok: true });
  }
  refuseConflicts();
  if (request.atomic && results.some((result) => !result.ok)) {
    const why = "atomic push failure";
    return {
      results: results.map((r) => r.ok ? { ref: r.ref, ok: false, why } : r),
      refs: { ...now.refs },
      head,
    };
  }
  return { results, refs, head };

  /** git keeps no `refs/heads/a` if there is a `refs/heads/a/b`: the one that is new goes. */
  function refuseConflicts(): void {
    for (;;) {
      const name = conflictingRef(Object.keys(refs));
      const added = results.findLastIndex(({ ref, ok }) =>
        ok && !Object.hasOwn(now.refs, ref) && `${name}/`.startsWith(`${ref}/`)
      );
      if (name === undefined || added < 0) return;
      const { ref } = results[added]!;
      delete refs[ref];
      results[added] = { ref, ok: false, why: "conflicts with the name of another ref" };
    }
  }

  async function refusal({ ref, oid, force, expected }: RefUpdate): Promise<string | undefined> {
    if (!isValidRefName(ref)) return "only branches and tags with valid names can be shared";
    const old = refs[ref];
    if (expected !== undefined && (old ?? null) !== expected) return "stale info";
    if (oid === null) {
      if (old === undefined) return "remote ref does not exist";
      return ref === head ? "deletion of the current branch prohibited" : undefined;
    }
    if (force || old === undefined || old === oid) return undefined;
    if (ref.startsWith("refs/tags/")) return "already exists";
    const forward = await isAncestor(now.gitDir, old, oid, {
      alternates: request.objectDirs,
      signal: wait.signal,
    });
    return forward ? undefined : "non-fast-forward";
  }
}

function firstBranch(request: PushRequest): string | undefined {
  const branches = request.updates.filter((u) => u.oid !== null).map((u) => u.ref)
    .filter((ref) => ref.startsWith("refs/heads/"));
  return ["refs/heads/main", "refs/heads/master"].find((ref) => branches.includes(ref)) ??
    branches[0];
}
