/**
 * From gtr's id of a repository to the manifest that its state on relays carries.
 *
 * @module
 */
import { toGtrError, VerificationError } from "../../../common/errors.ts";
import type { RepoAddress } from "../../../identity/address.ts";
import { publisherId } from "../../../identity/keys.ts";
import type { SignedManifest } from "../../../manifest/types.ts";
import type { ResolveWait } from "../../../ports/records.ts";
import { tagValue } from "../events/event.ts";
import { mayAsk } from "../may_ask.ts";
import type { NostrAddress } from "../names/address.ts";
import { distinctUrls, webUrl } from "../urls.ts";
import { boundPublisher, readNostrEndpoints } from "./binding.ts";
import { type RepositoryEvents, type RepositoryLookup, repositoryTag } from "./lookup.ts";
import { manifestOfState, type ManifestSources } from "./manifest_of_state.ts";

/** What {@linkcode resolveManifests} works with. */
export interface ResolveParts {
  readonly lookup: RepositoryLookup;
  /** Blossom servers that the user set. */
  readonly servers: readonly string[];
  /** Where the repository was found before. */
  readonly known: (address: RepoAddress) => readonly NostrAddress[];
  /** Told where it was found, and with which events. */
  readonly found: (signed: SignedManifest, events: RepositoryEvents) => void;
  readonly sources: Omit<ManifestSources, "urls" | "relays" | "relayUrls">;
}

const MAX_SOURCES = 16;
const MAX_KEYS = 4;

/**
 * Yields the manifest of the newest state by each Nostr key that the publisher calls its own. Keys and
 * relays come from the address, from the publication that is here already or, where these lead
 * nowhere, from announcements with gtr's id of it.
 *
 * @throws {NetworkError} "unreachable" where no relay answers
 * @throws {VerificationError} where there is only what can't be used
 */
export async function* resolveManifests(
  parts: ResolveParts,
  address: RepoAddress,
  wait: ResolveWait,
): AsyncGenerator<SignedManifest> {
  wait.signal.throwIfAborted();
  const { lookup } = parts;
  let best: SignedManifest | undefined;
  let failure: unknown;
  const asked = new Set<string>();
  for (
    const candidates of [() => told(parts, address, wait), () => searched(parts, address, wait)]
  ) {
    let places: NostrAddress[] = [];
    try {
      places = await candidates();
    } catch (error) {
      wait.signal.throwIfAborted();
      failure ??= error;
    }
    for (const place of places.filter(({ pubkey }) => !asked.has(pubkey)).slice(0, MAX_KEYS)) {
      asked.add(place.pubkey);
      try {
        const events = await lookup.askAgain(place, wait.signal);
        const signed = await manifestIn(parts, events, address, wait);
        if (!signed) continue;
        parts.found(signed, events);
        if (best && signed.manifest.sequence <= best.manifest.sequence) continue;
        yield best = signed;
      } catch (error) {
        wait.signal.throwIfAborted();
        if (error instanceof VerificationError) parts.sources.dropped(error.code);
        failure ??= toGtrError(error);
      }
    }
    if (best) return;
  }
  if (failure !== undefined) throw failure;
  if (asked.size === 0 && lookup.own.length === 0) wait.idle?.();
}

/** What the address and the publication that is here tell. */
function told(parts: ResolveParts, address: RepoAddress, wait: ResolveWait): NostrAddress[] {
  const { lookup } = parts;
  const places = [...parts.known(address)];
  for (const [pubkey, named] of readNostrEndpoints(wait.known)) {
    const relays = named.filter((url) => mayAsk(url, lookup.own));
    places.push({ pubkey, identifier: address.name, relays });
  }
  return places.filter(({ relays }) => relays.length + lookup.own.length > 0);
}

/** Who announces it with gtr's id, and has the publisher's word for that. */
async function searched(
  { lookup, sources }: ResolveParts,
  { id, name }: RepoAddress,
  { signal }: ResolveWait,
): Promise<NostrAddress[]> {
  if (lookup.own.length === 0) return [];
  const events = await lookup.byTag(repositoryTag(id, name), signal);
  return events.flatMap((event) => {
    if (tagValue(event, "d") !== name) return [];
    const publisher = boundPublisher(event, name);
    const right = publisher !== undefined && publisher !== "forged" &&
      publisherId(Uint8Array.fromHex(publisher)) === id;
    if (!right) sources.dropped("unbound-announcement");
    return right ? [{ pubkey: event.pubkey, identifier: name, relays: [] }] : [];
  });
}

async function manifestIn(
  { lookup, servers, sources }: ResolveParts,
  events: RepositoryEvents,
  { id, publicKey, name }: RepoAddress,
  wait: ResolveWait,
): Promise<SignedManifest | undefined> {
  const { state, servers: named, address: { relays } } = events;
  if (state === undefined) return undefined;
  const urls = (sha256: string, stated: readonly string[]) =>
    distinctUrls(
      [
        ...stated.filter((url) => mayAsk(url, relays)),
        ...[...servers, ...named].map((server) => `${server}/${sha256}`),
      ],
      webUrl,
      MAX_SOURCES,
    );
  return await manifestOfState(state, { id, publicKey, name }, {
    ...sources,
    urls,
    relays: lookup.relays,
    relayUrls: lookup.relaysFor(events),
  }, wait);
}
