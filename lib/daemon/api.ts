/**
 * The forms of what gtd answers on its socket; `operations.ts` says which answer has which.
 *
 * @module
 */
import * as v from "valibot";

export const Oid = v.pipe(v.string(), v.regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/));
const Hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Hex40 = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/));
export const Size = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Nobody changes what was answered. */
const list = <T>(item: v.GenericSchema<unknown, T>) => v.pipe(v.array(item), v.readonly());
export const Path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

export const PushResult = v.variant("ok", [
  v.object({
    ref: v.string(),
    ok: v.literal(true),
    /** The first has what did not work but doesn't undo the push: a network out of reach. */
    warnings: v.optional(list(v.string())),
  }),
  v.object({ ref: v.string(), ok: v.literal(false), why: v.string() }),
]);
export type PushResult = v.InferOutput<typeof PushResult>;

/** A repository as its newest manifest describes it. */
export const RemoteState = v.object({
  /** Canonical address. */
  address: v.string(),
  publisher: Hex64,
  name: v.string(),
  sequence: Size,
  objectFormat: v.picklist(["sha1", "sha256"]),
  head: v.string(),
  refs: v.record(v.string(), Oid),
  /** Annotated tags and what they lead to in the end. */
  peeled: v.optional(v.record(v.string(), Oid)),
  /** Bytes of all its packs. */
  packBytes: Size,
  /** Published with this user's own key. */
  own: v.boolean(),
  /** Something the person should know: nobody answered and this is the copy kept here. */
  warning: v.optional(v.string()),
  /**
   * Only of a repository that is published without gtr, which never enters the store: the URLs from
   * which git itself can fetch its objects. There the publisher is a key of the network's own, and
   * `sequence` the time of the state.
   */
  servers: v.optional(list(v.string())),
});
export type RemoteState = v.InferOutput<typeof RemoteState>;

export const StoredPack = v.object({
  path: Path,
  sha256: Hex64,
  size: Size,
  objects: Size,
  tips: list(Oid),
});
export type StoredPack = v.InferOutput<typeof StoredPack>;

/** The same, once its packs are in the local store. */
export const SyncedState = v.object({
  ...RemoteState.entries,
  /** The store's bare repository. */
  gitDir: Path,
  /** In manifest order. */
  packs: list(StoredPack),
});
export type SyncedState = v.InferOutput<typeof SyncedState>;

export const UnfollowedState = v.object({
  address: v.string(),
  /** Whether the copy has left the store. */
  removed: v.boolean(),
  warning: v.optional(v.string()),
});
export type UnfollowedState = v.InferOutput<typeof UnfollowedState>;

/** A repository's newest state and where its objects can be had without fetching all. */
export const DialledState = v.object({
  ...RemoteState.entries,
  /**
   * For `git fetch-pack`: the path of the store's bare repository, where that is whole, or a git://
   * address for one connection, soon, that is a live peer's.
   */
  source: Path,
});
export type DialledState = v.InferOutput<typeof DialledState>;

export const PublishedState = v.object({
  addresses: v.record(v.string(), v.string()),
  sequence: Size,
  /** Whether there was anything new to publish. */
  changed: v.boolean(),
  /** What did not work but doesn't undo the publication: a network out of reach. */
  warnings: list(v.string()),
  /** Branches that are not published, since something else was meanwhile: a line each. */
  diverged: v.optional(list(v.string())),
  /** Why it is not acknowledged, although it is published: too few peers have it. */
  shortfall: v.optional(v.string()),
});
export type PublishedState = v.InferOutput<typeof PublishedState>;

/** A repository here that contains a commit, and its peers. */
export const CommitHolders = v.object({
  address: v.string(),
  /** The publication that is here. */
  sequence: Size,
  peers: list(v.object({
    network: v.string(),
    peer: v.string(),
    /** The publication that it says it has, 0 where it says nothing. */
    sequence: Size,
    has: v.picklist(["yes", "claimed", "older"]),
  })),
});
export type CommitHolders = v.InferOutput<typeof CommitHolders>;

/** All of them. */
export const WhoState = v.object({
  repositories: list(CommitHolders),
  warning: v.optional(v.string()),
});
export type WhoState = v.InferOutput<typeof WhoState>;

export const PlannedPack = v.object({
  sha256: Hex64,
  infohash: Hex40,
  size: Size,
  objects: Size,
  magnet: v.string(),
});
export type PlannedPack = v.InferOutput<typeof PlannedPack>;

/** What a bundle consists of. */
export const BundleState = v.object({
  address: v.string(),
  name: v.string(),
  sequence: Size,
  /** The envelope of the manifest. */
  envelope: v.string(),
  /** The packs' files, in the manifest's order. */
  packs: list(Path),
  warning: v.optional(v.string()),
});
export type BundleState = v.InferOutput<typeof BundleState>;

/** What an imported bundle held. */
export const ImportedState = v.object({
  address: v.string(),
  name: v.string(),
  sequence: Size,
  changed: v.boolean(),
});
export type ImportedState = v.InferOutput<typeof ImportedState>;

/** By network: why its key can't be used. */
export const KeyFaults = v.record(
  v.string(),
  v.object({ code: v.string(), message: v.string(), hint: v.optional(v.string()) }),
);
export type KeyFaults = v.InferOutput<typeof KeyFaults>;

/** Whether others can fetch from this node over one network: the contract's `Reach`. */
export const Reach = v.object({
  how: v.picklist([
    "open",
    "mapped",
    "hole-punching",
    "relay",
    "servers",
    "local",
    "outgoing-only",
    "unknown",
  ]),
  address: v.optional(v.string()),
  connectedAt: v.optional(Size),
  summary: v.string(),
  limited: v.optional(v.boolean()),
  hint: v.optional(v.string()),
});

/** Whether others can fetch from this node over any network. */
export const Verdict = v.object({
  /** `local`: only those on this machine or in the same private network. */
  who: v.picklist(["everybody", "some", "local", "nobody", "unknown"]),
  summary: v.string(),
  hint: v.optional(v.string()),
});
export type Verdict = v.InferOutput<typeof Verdict>;

/** How gtd and its networks are. */
export const Health = v.object({
  daemon: v.object({ pid: Size, version: v.string() }),
  networks: list(v.object({
    scheme: v.string(),
    state: v.picklist(["reachable", "unreachable", "off"]),
    summary: v.string(),
    /** What to do about it. */
    hint: v.optional(v.string()),
    /** Absent if others fetch nothing from this node over it. */
    reach: v.optional(Reach),
  })),
  verdict: v.optional(Verdict),
});
export type Health = v.InferOutput<typeof Health>;

export const Status = v.object({
  daemon: v.object({ pid: Size, version: v.string(), uptimeSeconds: v.number() }),
  transports: v.record(v.string(), v.record(v.string(), v.union([v.string(), v.number()]))),
  repositories: list(v.object({
    address: v.string(),
    sequence: Size,
    packs: Size,
    bytes: Size,
    role: v.picklist(["published", "followed"]),
    /** One's own, or asked for by `gtr follow`: it stays. Others are here because git cloned them. */
    pinned: v.boolean(),
    /** Where it is followed for these only. */
    branches: v.optional(list(v.string())),
    peers: Size,
    /** It has outgrown a quota, or its newest state was refused. */
    overQuota: v.boolean(),
  })),
  /** By network: whether others can fetch from this node over it. */
  reach: v.record(v.string(), Reach),
  /** Absent if others fetch nothing from this node, by its settings. */
  verdict: v.optional(Verdict),
  /** Others' repositories: bytes in the store, and `store.quota`. */
  store: v.object({ bytes: Size, quota: Size }),
  /** What keeps shared repositories from being published as they are. */
  warnings: list(v.string()),
  /** Bad input that was dropped, by reason. */
  dropped: v.record(v.string(), Size),
});
export type Status = v.InferOutput<typeof Status>;

/** One's own repositories, as this gtd publishes them: its settings may be others than the asker's. */
export const OwnStates = v.record(
  v.string(),
  v.object({
    /** Network -> address. */
    addresses: v.record(v.string(), v.string()),
    /** What keeps it from being published as it is. */
    hindrances: list(v.string()),
  }),
);
export type OwnStates = v.InferOutput<typeof OwnStates>;
