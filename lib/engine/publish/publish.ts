/**
 * From refs to a signed manifest that the networks know: packs first, pointer last.
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { counted } from "../../common/counted.ts";
import { StoreError } from "../../common/errors.ts";
import type { Wait } from "../../common/wait.ts";
import { peelTags } from "../../git_interface/peel_tags.ts";
import { rootCommit } from "../../git_interface/root_commit.ts";
import { formatAddress } from "../../identity/address.ts";
import { writerName } from "../../identity/machine.ts";
import { canonicalJson } from "../../manifest/canonical_json.ts";
import { type Flow, flowOf } from "../../manifest/flow.ts";
import { signManifest } from "../../manifest/manifest.ts";
import type { Manifest, ObjectFormat, PackRef, SignedManifest } from "../../manifest/types.ts";
import { joinWriters, type Writers, writersOf } from "../../manifest/writers.ts";
import { isWhole } from "../../store/snapshot.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import { makePacks, smallestLimit } from "./make_packs.ts";
import type { EngineParts } from "../parts.ts";
import { checkRefs } from "./working_repository.ts";

/** The state to publish. */
export interface Publication {
  readonly refs: Readonly<Record<string, string>>;
  readonly head: string;
  readonly objectFormat: ObjectFormat;
  readonly description?: string;
  /** How the data gets to readers; default: as before. */
  readonly flow?: Flow;
  /** Object directories in which the refs' objects are, beside the store's own. */
  readonly objectDirs: readonly string[];
  /** Make all packs anew, without what the refs don't reach, and drop the replaced ones at once. */
  readonly fromScratch?: boolean;
  /** The writers of another publication that it builds on, beside the present one. */
  readonly builtOn?: Writers;
  /**
   * Publish only if refs have changed: this machine's settings and endpoints are no reason to answer
   * another machine's publication, which would answer in turn.
   */
  readonly refsOnly?: boolean;
}

/** What a publication came to. */
export interface Published {
  readonly signed: SignedManifest;
  readonly changed: boolean;
}

/** What publishing a working repository came to. */
export interface PublishOutcome {
  readonly addresses: Record<string, string>;
  readonly sequence: number;
  readonly changed: boolean;
  readonly warnings: readonly string[];
  /** What is not published, since something else was meanwhile: one line each, with what helps. */
  readonly diverged: readonly string[];
}

/**
 * What is published of one's own repository; undefined if nothing is yet.
 *
 * @throws {StoreError} "other-object-format"
 */
export async function publishedManifest(
  repository: StoredRepository,
  objectFormat: ObjectFormat,
): Promise<Manifest | undefined> {
  const manifest = (await repository.usableManifest())?.manifest;
  if (!manifest || manifest.objectFormat === objectFormat) return manifest;
  throw new StoreError(
    "other-object-format",
    `can't publish ${repository.name}: it was published with ${manifest.objectFormat} object ids`,
    { hint: "publish this repository under another name: gtr init --name <name>" },
  );
}

/**
 * Publishes one's own repository into the store. The caller holds the repository's lock, and
 * announces afterwards.
 *
 * @throws {RequestError} "too-many-refs"
 * @throws {GitError} objects are missing from `objectDirs`
 * @throws {StoreError} the disk refused; nothing has changed then
 */
export async function publishState(
  parts: EngineParts,
  repository: StoredRepository,
  wanted: Publication,
  wait: Wait,
): Promise<Published> {
  checkRefs(repository.name, Object.keys(wanted.refs));
  const snapshot = await repository.snapshot();
  const previous = snapshot.signed;
  const packs = previous ? snapshot.state.packs : [];
  // What a live peer sent may hold more than the refs lead to: such packs can't be listed.
  const damaged = !isWhole(snapshot) || snapshot.state.local !== undefined;
  if (damaged) parts.log(`mending ${repository.name}: packs are missing from the store`);
  await repository.create(wanted.objectFormat);
  await mkdir(repository.outgoingPath, { recursive: true });
  try {
    return await publishPacks(parts, repository, { ...wanted, previous, packs, damaged }, wait);
  } finally {
    await rm(repository.outgoingPath, { recursive: true, force: true });
  }
}

async function publishPacks(
  parts: EngineParts,
  repository: StoredRepository,
  wanted: Publication & {
    readonly previous: SignedManifest | undefined;
    /** What the store has of it, listed or not. */
    readonly packs: readonly PackRef[];
    /** Packs of the previous publication are not in the store any more. */
    readonly damaged: boolean;
  },
  wait: Wait,
): Promise<Published> {
  const { previous, damaged } = wanted;
  const { packs, made } = await makePacks({
    gitDir: repository.path,
    objectDirs: wanted.objectDirs,
    previous: wanted.packs,
    refs: wanted.refs,
    fromScratch: damaged || (wanted.fromScratch ?? false),
    maxPack: smallestLimit(parts.networks),
    directory: repository.outgoingPath,
  }, wait);
  const where = { alternates: wanted.objectDirs, signal: wait.signal };
  const [peeled, root] = await Promise.all([
    peelTags(repository.path, newTags(wanted.refs, previous?.manifest), where),
    rootOf(repository.path, wanted, previous?.manifest, where),
  ]);
  const manifest = nextManifest(parts, {
    name: repository.name,
    wanted,
    peeled,
    root,
    previous: previous?.manifest,
    highest: await repository.highestSequence(),
    packs,
  });
  const same = wanted.refsOnly ? sameRefs : sameState;
  if (previous && !damaged && same(previous.manifest, manifest)) {
    return { signed: previous, changed: false };
  }
  const signed = signManifest(manifest, parts.key);
  await repository.publish(signed, made, packs);
  if (wanted.fromScratch) await repository.dropRetired(0);
  parts.log(`published ${repository.name}: ${manifest.sequence}, ${counted(packs.length, "pack")}`);
  return { signed, changed: true };
}

function nextManifest(
  parts: EngineParts,
  { name, wanted, peeled, root, previous, highest, packs }: {
    readonly name: string;
    readonly wanted: Publication;
    /** Tag objects that are new -> what they lead to. */
    readonly peeled: ReadonlyMap<string, string>;
    readonly root: string | undefined;
    readonly previous: Manifest | undefined;
    /** The highest sequence number ever published. */
    readonly highest: number;
    readonly packs: readonly PackRef[];
  },
): Manifest {
  const now = Date.now();
  const writer = writerName(parts.machine, name);
  const sequence = nextSequence(highest, now, writer);
  const endpoints = parts.networks
    .map((network) => [network.scheme, network.endpoints()] as const)
    .filter(([, where]) => where.length > 0);
  const { flow: before, root: _, ...rest } = previous ?? {};
  // If nothing is shared any more there is nothing to serve either.
  const named = Object.keys(wanted.refs).length === 0 ? undefined : wanted.flow ?? before;
  const flow = flowOf({ flow: named });
  return {
    ...rest,
    version: 1,
    publisher: parts.key.publicKeyHex,
    name,
    sequence,
    created: Math.floor(now / 1000),
    ...(wanted.description === undefined ? {} : { description: wanted.description }),
    objectFormat: wanted.objectFormat,
    head: wanted.head,
    refs: { ...wanted.refs },
    peeled: peeledRefs(wanted.refs, previous, peeled),
    ...(root === undefined ? {} : { root }),
    writers: joinWriters(
      previous ? writersOf(previous) : {},
      wanted.builtOn ?? {},
      { [writer]: sequence },
    ),
    packs: flow === "announce" ? [] : packs,
    ...(flow === "both" ? {} : { flow }),
    endpoints: Object.fromEntries(endpoints),
  };
}

/** Machines with one key take numbers that differ in the rest of a division by this. */
const TURNS = 1000;

/**
 * Never below the clock, in milliseconds: a publisher whose store was lost still goes on from higher
 * numbers than its readers have seen (docs/decisions/001-sequence.md). If what is published is ahead
 * of the clock, each machine has numbers of its own: two of them that go on from there, neither knowing
 * of the other, would take the same one, and neither publication would count as newer.
 */
function nextSequence(highest: number, now: number, writer: string): number {
  if (now > highest) return now;
  const next = highest + 1;
  const turn = parseInt(writer.slice(0, 12), 16) % TURNS;
  return next + (turn - next % TURNS + TURNS) % TURNS;
}

/** The commit that the history of HEAD begins with; undefined if that is not shared. */
async function rootOf(
  gitDir: string,
  { head, refs }: Publication,
  previous: Manifest | undefined,
  options: { readonly alternates: readonly string[]; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const tip = refs[head];
  if (tip === undefined) return undefined;
  const { root } = previous ?? {};
  const before = previous?.refs[previous.head];
  const known = root !== undefined && before !== undefined ? { tip: before, root } : undefined;
  return await rootCommit(gitDir, tip, known, options);
}

/** The tags whose objects the previous publication did not have under the same name. */
function newTags(refs: Publication["refs"], previous: Manifest | undefined): string[] {
  return Object.entries(refs)
    .filter(([name, oid]) => name.startsWith("refs/tags/") && previous?.refs[name] !== oid)
    .map(([, oid]) => oid);
}

function peeledRefs(
  refs: Publication["refs"],
  previous: Manifest | undefined,
  fresh: ReadonlyMap<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(refs).flatMap(([name, oid]) => {
      const same = previous?.refs[name] === oid;
      const target = same ? previous?.peeled?.[name] : fresh.get(oid);
      return target !== undefined && name.startsWith("refs/tags/") ? [[name, target]] : [];
    }),
  );
}

/** Whether publishing would tell nobody anything: all but who wrote it and when is equal. */
function sameState(a: Manifest, b: Manifest): boolean {
  const state = (m: Manifest) => canonicalJson({ ...m, sequence: 0, created: 0, writers: {} });
  return state(a) === state(b);
}

function sameRefs(a: Manifest, b: Manifest): boolean {
  return canonicalJson({ ...a.refs }) === canonicalJson({ ...b.refs });
}

/** The address of a repository of one's own on every network where it can be reached. */
export function ownAddresses(parts: EngineParts, name: string): Record<string, string> {
  return Object.fromEntries(parts.networks.flatMap(({ scheme, naming }) => {
    const address = naming ? naming.own(name) : formatAddress({ scheme, id: parts.key.id, name });
    return address === undefined ? [] : [[scheme, address]];
  }));
}
