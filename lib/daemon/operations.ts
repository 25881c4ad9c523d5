/**
 * The table of what gtd does for other processes: of each operation what is asked and what is
 * answered. The server (`control_api.ts`) and the clients (`client.ts`, `in_process.ts`) are made
 * from it, with a handler for each in `handlers.ts`.
 *
 * @module
 */
import * as v from "valibot";
import type { Wait } from "../common/wait.ts";
import { isBranchName, MAX_BRANCHES } from "../manifest/branches.ts";
import {
  BundleState,
  DialledState,
  Health,
  ImportedState,
  KeyFaults,
  Oid,
  OwnStates,
  Path,
  PlannedPack,
  PublishedState,
  PushResult,
  RemoteState,
  Size,
  Status,
  SyncedState,
  UnfollowedState,
  WhoState,
} from "./api.ts";

/** Any form of address, petnames included. */
const Url = v.pipe(v.string(), v.maxLength(1024));
const Address = v.object({ url: Url });
/** A working repository, by its common git directory. */
const Repository = v.object({ gitDir: Path });
const Nothing = v.object({});

const Branch = v.pipe(v.string(), v.check(isBranchName, "not the name of a branch"));
const Branches = v.pipe(v.array(Branch), v.minLength(1), v.maxLength(MAX_BRANCHES), v.readonly());

const RefUpdate = v.object({
  ref: v.pipe(v.string(), v.maxLength(1024)),
  oid: v.nullable(Oid),
  force: v.boolean(),
  /** `--force-with-lease`: what the ref must be now; null for absent. */
  expected: v.optional(v.nullable(Oid)),
});

/** Every operation, by its name. Answers are JSON. */
export const OPERATIONS = {
  /** Which gtd this is. */
  version: operation(Nothing, v.object({ version: v.string(), pid: v.number() })),
  status: operation(Nothing, Status),
  /** How gtd's networks are. */
  health: operation(Nothing, Health),
  /** One's own repositories by name: what is shared, and what was pushed. */
  own: operation(Nothing, OwnStates),
  /** Ends gtd; answered before it happens. */
  stop: operation(Nothing, v.null()),

  /** The newest refs of an address. Fetches no objects. */
  resolve: operation(Address, RemoteState),
  /** The same with its packs in the local store. Progress counts bytes; `what` is "3/7". */
  sync: operation(
    v.object({
      ...Address.entries,
      /** What `resolve` told just now: it needn't be asked for again. */
      sequence: v.optional(Size),
      /** An older publication will do where nobody online has the newest. */
      orOlder: v.optional(v.boolean()),
      /** Git hasn't asked for it yet: if it takes too much to unpack, it isn't fetched. */
      ahead: v.optional(v.boolean()),
    }),
    SyncedState,
  ),
  /**
   * The newest refs of an address, with a live peer's objects or the store's. `sequence` is that of
   * the state that `resolve` told just now.
   *
   * @throws {GtrError} "no-live-peer"
   */
  dial: operation(v.object({ ...Address.entries, sequence: Size }), DialledState),
  /**
   * Fetches a repository, and keeps it up to date from now on; with `branches` (short names), only
   * as those change. Progress as for `sync`.
   */
  follow: operation(
    v.object({ ...Address.entries, branches: v.optional(Branches) }),
    RemoteState,
  ),
  /** Ends that; the copy leaves the store unless it is to be kept. */
  unfollow: operation(v.object({ ...Address.entries, keep: v.boolean() }), UnfollowedState),
  /** Which peers have a commit, of one repository or of any. */
  who: operation(v.object({ commit: Oid, url: v.optional(Url) }), WhoState),

  /** Pushes to one's own address; one result for each update. */
  push: operation(
    v.object({
      ...Address.entries,
      /** Object directories that hold what is pushed. */
      objectDirs: v.pipe(v.array(Path), v.readonly()),
      objectFormat: v.picklist(["sha1", "sha256"]),
      updates: v.pipe(v.array(RefUpdate), v.readonly()),
      /** All or none. */
      atomic: v.optional(v.boolean()),
    }),
    v.pipe(v.array(PushResult), v.readonly()),
  ),
  /** Publishes the shared refs of a working repository as they are now. */
  publish: operation(
    v.object({
      ...Repository.entries,
      /** In the place of whatever is published at its address. */
      replace: v.optional(v.boolean()),
    }),
    PublishedState,
  ),
  /** Stops sharing a repository of one's own, by its name. */
  withdraw: operation(
    v.object({ name: v.pipe(v.string(), v.maxLength(100)) }),
    PublishedState,
  ),
  /** The packs that publishing would make. */
  plannedPacks: operation(Repository, v.pipe(v.array(PlannedPack), v.readonly())),

  /** Brings an address up to date, and says what a bundle of it consists of. */
  exportBundle: operation(Address, BundleState),
  /** Brings what a bundle holds into the store; `file` is an absolute path. */
  importBundle: operation(v.object({ file: Path }), ImportedState),

  /**
   * Uses the key of a network that is in git's configuration now.
   *
   * @throws {GtrError} "locked-key" where the password is not its
   */
  useKey: operation(
    v.object({
      network: v.pipe(v.string(), v.maxLength(32)),
      // Without a check that would repeat it.
      password: v.optional(v.string()),
    }),
    v.null(),
  ),
  /** Why keys can't be used, by network. */
  keyFaults: operation(Nothing, KeyFaults),
};

type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
/** What the operation `N` is asked. */
export type RequestOf<N extends OperationName> = v.InferOutput<Operations[N]["request"]>;
/** What it answers. */
export type AnswerOf<N extends OperationName> = v.InferOutput<Operations[N]["answer"]>;

export type PushRequest = RequestOf<"push">;
/** One ref that a push asks to change; `oid` null deletes. */
export type RefUpdate = PushRequest["updates"][number];

/** The operations as functions, wherever they are done. */
export type Calls = {
  readonly [N in OperationName]: (request: RequestOf<N>, wait: Wait) => Promise<AnswerOf<N>>;
};
/** An engine that is at hand: gtd's, or one in this process. Dispose it to let the process end. */
export type Gtd = Calls & AsyncDisposable;

/** Whether there is an operation of this name. */
export function isOperation(name: string): name is OperationName {
  return Object.hasOwn(OPERATIONS, name);
}

/** All calls, each made by `call`, which is given the operation's name. */
export function callsBy(
  call: (name: OperationName, request: unknown, wait: Wait) => Promise<unknown>,
): Calls {
  const names = Object.keys(OPERATIONS) as OperationName[];
  const entries = names.map((name) => [
    name,
    (request: unknown, wait: Wait) => call(name, request, wait),
  ]);
  return Object.fromEntries(entries);
}

function operation<Q, A>(
  request: v.GenericSchema<unknown, Q>,
  answer: v.GenericSchema<unknown, A>,
) {
  return { request, answer };
}
