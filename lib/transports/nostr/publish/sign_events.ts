/**
 * The events that say what a publication says.
 *
 * @module
 */
import { publisherId, type PublisherKey } from "../../../identity/keys.ts";
import { magnetLink } from "../../../manifest/pack_torrent.ts";
import type { Manifest, PackRef, SignedManifest } from "../../../manifest/types.ts";
import type { ChunkedFile } from "../chunks/chunked_files.ts";
import { encodeDeletions } from "../events/deletion.ts";
import { type EventTemplate, laterThan, type NostrEvent, tagValue } from "../events/event.ts";
import type { NostrSigner } from "../events/signer.ts";
import { encodeAnnouncement } from "../repositories/announcement.ts";
import { BINDING_TAG, bindingTag } from "../repositories/binding.ts";
import { type RepositoryEvents, repositoryTag } from "../repositories/lookup.ts";
import {
  inlineManifest,
  type ManifestBlob,
  manifestBlobOf,
  manifestBlobTags,
} from "../repositories/manifest_content.ts";
import { SEQUENCE_TAG } from "../repositories/notices.ts";
import { encodePack } from "../repositories/pack_event.ts";
import { encodeState } from "../repositories/state.ts";

/** Where a pack is. */
export interface PackSources {
  readonly urls: readonly string[];
  /** Its chunks, where it is in events. */
  readonly chunked?: Pick<ChunkedFile, "ids" | "created">;
}

/** A publication and where its parts are. */
export interface PublicationFacts {
  readonly signed: SignedManifest;
  readonly key: Pick<PublisherKey, "publicKeyHex" | "sign">;
  readonly relays: readonly string[];
  readonly servers: readonly string[];
  /** URLs that git itself can clone. */
  readonly clone: readonly string[];
  /** SHA-256 of a pack -> where it is. */
  readonly sources: ReadonlyMap<string, PackSources>;
  /** Where the manifest is too long for an event. */
  readonly manifest?: ManifestBlob;
}

/** The tags of an announcement that are written anew. */
const WRITTEN = new Set([
  ...["d", "name", "description", "r", "clone", "web", "relays", "blossoms", "maintainers"],
  ...["i", BINDING_TAG],
]);

/**
 * The events to publish, in their order: announcement, as some relays take only what belongs to one
 * that they know; packs, state, then the requests to delete what is of no use any more. Those that say
 * already what is to be said are not signed anew.
 *
 * @param before what relays have
 * @param floor no event is dated before, in seconds since 1970
 */
export async function signEvents(
  facts: PublicationFacts,
  before: Omit<RepositoryEvents, "address" | "servers">,
  floor: number,
  signer: NostrSigner,
  signal: AbortSignal,
): Promise<NostrEvent[]> {
  const { signed: { manifest }, sources } = facts;
  const now = Math.max(Math.floor(Date.now() / 1000), floor);
  const sign = (template: EventTemplate) => signer.sign(template, signal);
  // Relays that were asked to delete it don't take it again, and some may have it still.
  const isGood = (event: NostrEvent) => event.created_at >= floor;
  const packs: NostrEvent[] = [];
  for (const pack of manifest.packs) {
    const template = packTemplate(pack, manifest, sources.get(pack.sha256), signer, now);
    const same = before.packs.find(({ event }) => isGood(event) && sameTags(event, template));
    packs.push(same?.event ?? await sign(template));
  }
  const dated = (replaced: NostrEvent | undefined) => laterThan(replaced?.created_at, now);
  const announced = before.announcement?.event;
  const announcement = announcementTemplate(facts, before, signer.pubkey, dated(announced));
  const stated = before.state?.event;
  const state = stateTemplate(facts, signer.pubkey, dated(stated));
  const events = [
    announced && isGood(announced) && sameTags(announced, announcement)
      ? announced
      : await sign(announcement),
    ...packs,
    stated && isGood(stated) && sameTags(stated, state) && stated.content === state.content
      ? stated
      : await sign(state),
  ];
  const gone = before.packs.map(({ event }) => event).filter((event) => !packs.includes(event));
  const used = new Set([
    ...[...sources.values()].flatMap(({ chunked }) => chunked?.ids ?? []),
    ...facts.manifest?.chunks ?? [],
  ]);
  const unused = chunksOf(before).filter((id) => !used.has(id));
  for (const request of encodeDeletions(gone, unused, now)) events.push(await sign(request));
  return events;
}

/** The chunks of all files that the events of a repository name. */
export function chunksOf({ packs, state }: Pick<RepositoryEvents, "packs" | "state">): string[] {
  const manifest = state && manifestBlobOf(state.event);
  return [
    ...packs.flatMap(({ metadata }) => metadata.chunks ?? []),
    ...manifest?.chunks ?? [],
  ];
}

function packTemplate(
  pack: PackRef,
  { name }: Manifest,
  { urls, chunked }: PackSources = { urls: [] },
  { pubkey }: NostrSigner,
  created: number,
): EventTemplate {
  return encodePack({
    repository: { pubkey, identifier: name },
    sha256: pack.sha256,
    size: pack.size,
    urls,
    ...(chunked ? { chunks: chunked.ids } : {}),
    infohash: pack.infohash,
    magnet: magnetLink(pack),
    tips: pack.tips,
    prerequisites: [],
  }, chunked?.created ?? created); // so that after a restart the chunks' date is known
}

function announcementTemplate(
  { signed: { manifest }, key, relays, servers, clone }: PublicationFacts,
  { announcement: before }: Pick<RepositoryEvents, "announcement">,
  pubkey: string,
  created: number,
): EventTemplate {
  const { name } = manifest;
  // What gtr wrote is written anew; what people added with other programs stays.
  const byGtr = before === undefined || tagValue(before.event, BINDING_TAG) !== undefined;
  const others = before?.event.tags.filter(([tag]) => !WRITTEN.has(tag!)) ?? [];
  const id = publisherId(Uint8Array.fromHex(key.publicKeyHex));
  return encodeAnnouncement(
    {
      identifier: name,
      name: before?.name ?? name,
      description: manifest.description ?? before?.description,
      clone: [...new Set([...clone, ...byGtr ? [] : before.clone])],
      web: before?.web ?? [],
      relays,
      blossoms: servers,
      maintainers: before?.maintainers ?? [],
      // What was told first stays: by it, forks and their readers know the repository.
      earliestUniqueCommit: before?.earliestUniqueCommit ?? manifest.root,
    },
    created,
    [...others, ["i", repositoryTag(id, name)], bindingTag(key, pubkey, name)],
  );
}

function stateTemplate(
  { signed, key, manifest: blob }: PublicationFacts,
  pubkey: string,
  created: number,
): EventTemplate {
  const { name, refs, peeled, head, sequence } = signed.manifest;
  const tags = [bindingTag(key, pubkey, name), [SEQUENCE_TAG, String(sequence)]];
  if (blob) tags.push(...manifestBlobTags(blob));
  return encodeState(
    {
      identifier: name,
      refs: new Map(Object.entries(refs)),
      peeled: new Map(Object.entries(peeled ?? {})),
      head,
    },
    created,
    { tags, content: blob ? "" : inlineManifest(signed)! },
  );
}

function sameTags(event: NostrEvent, { tags }: EventTemplate): boolean {
  return JSON.stringify(event.tags) === JSON.stringify(tags);
}
