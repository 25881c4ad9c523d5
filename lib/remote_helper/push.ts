/**
 * The `push` command: refs of one's own address.
 *
 * @module
 */
import { GtrError, RequestError } from "../common/errors.ts";
import type { PushResult, RemoteState } from "../daemon/api.ts";
import type { PushRequest, RefUpdate } from "../daemon/operations.ts";
import { runGit } from "../git_interface/run.ts";
import { isValidRefName } from "../manifest/ref_name.ts";
import { quoteCStyle } from "./c_style_quote.ts";
import { lookUpObjects } from "./held_objects.ts";
import type { LocalRepository } from "./local_repository.ts";
import type { HelperOptions } from "./options.ts";

/** One `push` line: `[+]<source>:<ref>`; an empty source deletes. */
export interface PushLine {
  readonly force: boolean;
  readonly source: string;
  readonly ref: string;
}

/**
 * Reads the text behind the word `push`.
 *
 * @throws {GtrError} "bad-command"
 */
export function parsePushLine(text: string): PushLine {
  // A source may have colons (":/text", "HEAD:path"); a ref name can't.
  const [, force, source, ref] = /^(\+?)(.*):([^:]+)$/.exec(text) ?? [];
  if (source === undefined || ref === undefined) {
    throw new GtrError("bad-command", `can't push '${text}': it has no ref name`);
  }
  return { force: force === "+", source, ref };
}

/** @throws {RequestError} "not-yours" where `state` is someone else's repository */
export function refuseOthers(state: RemoteState): void {
  if (state.own) return;
  throw new RequestError(
    "not-yours",
    `can't push to ${state.address}: only its publisher can change it`,
    {
      hint: state.servers
        ? "it is published without gtr: push with the program that it is published with"
        : "share your copy (gtr init) and send its address to the publisher, who can pull from it",
    },
  );
}

/**
 * The state that a first push to a new name of one's own starts from. It takes over the object
 * format of the pushing repository.
 *
 * @throws the failure to resolve `url`, where that is not it
 */
export async function unpublished(
  url: string,
  failure: unknown,
  local: LocalRepository,
  signal: AbortSignal,
): Promise<RemoteState> {
  if (!(failure instanceof GtrError) || failure.code !== "not-published") throw failure;
  const { stdout } = await runGit(["rev-parse", "--show-object-format"], {
    gitDir: local.gitDir,
    signal,
  });
  return {
    address: url,
    publisher: "",
    name: "",
    sequence: 0,
    objectFormat: stdout.trim() === "sha256" ? "sha256" : "sha1",
    head: "refs/heads/main",
    refs: {},
    packBytes: 0,
    own: true,
  };
}

/**
 * Carries out one batch of `push` lines; one result per line, in their order.
 *
 * @param publish hands the updates to gtd
 */
export async function pushRefs(
  lines: readonly PushLine[],
  state: RemoteState,
  local: LocalRepository,
  options: Pick<HelperOptions, "force" | "dryRun" | "atomic" | "leases">,
  publish: (order: Omit<PushRequest, "url">) => Promise<readonly PushResult[]>,
  signal: AbortSignal,
): Promise<PushResult[]> {
  const planned = await plan(lines, state, local, options, signal);
  const updates = planned.flatMap((p) => "update" in p ? [p.update] : []);
  const refused = updates.length < planned.length;
  if (refused && options.atomic) return planned.map(atomicFailure);
  if (updates.length === 0 || options.dryRun) return planned.map(asPlanned);

  const results = await publish({
    objectDirs: [local.objectDirectory, ...local.alternates],
    objectFormat: state.objectFormat,
    updates,
    ...(options.atomic ? { atomic: true } : {}),
  });
  const done = new Map(results.map((result) => [result.ref, result]));
  return planned.map((p) =>
    "update" in p ? done.get(p.update.ref) ?? failure(p.update.ref, "no answer from gtd") : p
  );
}

type Planned = { readonly update: RefUpdate } | (PushResult & { ok: false });

async function plan(
  lines: readonly PushLine[],
  state: RemoteState,
  local: LocalRepository,
  options: Pick<HelperOptions, "force" | "leases">,
  signal: AbortSignal,
): Promise<Planned[]> {
  const names = lines.flatMap(({ source, ref }) => [source, state.refs[ref] ?? ""]).filter(Boolean);
  const found = await lookUpObjects(local, names, signal);
  const objects = new Map(names.map((name, i) => [name, found[i]]));
  return lines.map(({ force, source, ref }) => {
    if (!isValidRefName(ref)) {
      return failure(ref, "only branches and tags with valid names can be shared");
    }
    const object = objects.get(source);
    if (source !== "" && !object) return failure(ref, `no such object: ${source}`);
    if (object && ref.startsWith("refs/heads/") && object.type !== "commit") {
      return failure(ref, `a branch can't name a ${object.type}`);
    }
    if (object && object.oid.length !== (state.objectFormat === "sha1" ? 40 : 64)) {
      return failure(ref, `the repository's object format is ${state.objectFormat}`);
    }
    const old = state.refs[ref];
    const oid = object?.oid ?? null;
    const lease = options.leases.get(ref);
    if (lease !== undefined) {
      if (lease !== (old ?? null)) return failure(ref, "stale info");
      // git sends it without '+': that the ref is what it must be is what permits the change.
      return { update: { ref, oid, force: true, expected: lease } };
    }
    const forced = force || options.force;
    if (oid && old && !objects.get(old) && !forced) return failure(ref, "fetch first");
    return { update: { ref, oid, force: forced } };
  });
}

function failure(ref: string, why: string): PushResult & { ok: false } {
  return { ref, ok: false, why };
}

function asPlanned(p: Planned): PushResult {
  return "update" in p ? { ref: p.update.ref, ok: true } : p;
}

function atomicFailure(p: Planned): PushResult {
  return "update" in p ? failure(p.update.ref, "atomic push failure") : p;
}

/**
 * The answer's line for one ref. git knows some reasons by their words (`transport-helper.c`) and
 * then prints its own hints. It sends only what `list` showed to be a fast-forward, so where gtd
 * finds that it is none, the repository has moved on since.
 */
export function pushAnswer(result: PushResult): string {
  if (result.ok) return `ok ${result.ref}`;
  const why = result.why === "non-fast-forward" ? "fetch first" : result.why;
  return `error ${result.ref} ${quoteCStyle(why)}`;
}
