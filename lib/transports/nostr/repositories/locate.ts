/**
 * What an address with a Nostr name in it leads to.
 *
 * @module
 */
import { NetworkError, UsageError, VerificationError } from "../../../common/errors.ts";
import { printableLine } from "../../../common/printable.ts";
import { repositoryNameFault } from "../../../common/repository_name.ts";
import type { Wait } from "../../../common/wait.ts";
import { publisherId } from "../../../identity/keys.ts";
import type { Registry } from "../../../identity/registry.ts";
import type { Located } from "../../../ports/naming.ts";
import { mayAsk } from "../may_ask.ts";
import { MAX_HINTS, type NostrAddress, parseNostrAddress } from "../names/address.ts";
import { distinctUrls, relayUrl } from "../urls.ts";
import { boundPublisher } from "./binding.ts";
import type { RepositoryAnswer, RepositoryEvents, RepositoryLookup } from "./lookup.ts";

/** What {@linkcode locate} works with. */
export interface LocateParts {
  readonly lookup: RepositoryLookup;
  /** What domains say of their names. */
  readonly names: () => Promise<Pick<Registry, "lookup">>;
  /** gtr's public key, 64 hex digits. */
  readonly publicKey: string;
  /** The Nostr key of this node. */
  readonly ownPubkey: (signal: AbortSignal) => Promise<string | undefined>;
  /** Whether this node publishes a repository of this name now. */
  readonly publishes: (name: string) => boolean;
  /** Told where a repository of gtr's is. */
  readonly found: (publicKey: string, address: NostrAddress) => void;
}

/**
 * Reads the address and asks what is there. An announcement that is bound to a key of gtr's is a
 * repository of gtr's; one without is another program's.
 *
 * @throws {UsageError} "bad-address", "bad-name"
 * @throws {RequestError} "name-changed-key", "unknown-name"
 * @throws {NetworkError} "unreachable", "nobody-answered"
 * @throws {VerificationError} "wrong-key" where it claims a key of gtr's that has not agreed
 */
export async function locate(parts: LocateParts, url: string, wait: Wait): Promise<Located> {
  const { address, warning } = await readAddress(parts, url, wait);
  const located = await locateAt(parts, address, wait);
  return warning === undefined ? located : { ...located, warning };
}

async function locateAt(
  parts: LocateParts,
  address: NostrAddress,
  wait: Wait,
): Promise<Located> {
  const { pubkey, identifier } = address;
  const own = await parts.ownPubkey(wait.signal) === pubkey;
  if (own && parts.publishes(identifier)) return repository(parts, parts.publicKey, address);
  let events: RepositoryAnswer | undefined;
  try {
    events = await parts.lookup.ask(address, wait.signal);
  } catch (error) {
    wait.signal.throwIfAborted();
    if (!own) throw error; // one's own need not be anywhere yet
  }
  const publicKey = events && publisherOf(events);
  if (publicKey !== undefined) return repository(parts, publicKey, events!.address);
  if (events?.announcement || events?.state) {
    const { foreignState } = await import("./foreign.ts");
    const foreign = await foreignState(events.address, parts.lookup.relays, wait);
    if (foreign) return { foreign };
  }
  if (own) return repository(parts, parts.publicKey, address);
  throw notFound(parts, address, events?.silent ?? []);
}

function notFound(
  { lookup }: LocateParts,
  { identifier, relays }: NostrAddress,
  silent: readonly string[],
): NetworkError {
  const asked = lookup.relaysOf(relays).filter((url) => !silent.includes(url));
  const knows = `${asked.join(", ")} ${asked.length === 1 ? "knows" : "know"}`;
  const others = silent.length === 0 ? "" : `, ${silent.join(", ")} didn't answer`;
  return new NetworkError(
    "nobody-answered",
    `can't find ${quote(identifier)}: ${knows} no repository of this name by this key` +
      others,
    {
      hint: silent.length === 0
        ? "check the address, or name a relay in it: nostr://<npub>/<relay>/<identifier>"
        : "try again later, or name another relay: nostr://<npub>/<relay>/<identifier>",
    },
  );
}

async function readAddress(
  { lookup, names }: LocateParts,
  url: string,
  { signal }: Wait,
): Promise<{ address: NostrAddress; warning?: string }> {
  const address = parseNostrAddress(url);
  if ("pubkey" in address) return { address };
  const { user, domain, identifier, relays } = address;
  const name = { user: user.toLowerCase(), domain };
  const { publisher, relays: told = [], warning } = await (await names()).lookup(name, signal);
  const chosen = lookup.relaysOf(relays);
  const more = told.filter((relay) => mayAsk(relay, chosen));
  return {
    address: {
      pubkey: publisher,
      identifier,
      relays: distinctUrls([...relays, ...more], relayUrl, MAX_HINTS),
    },
    warning,
  };
}

/** The key of gtr's that the events are bound to; undefined where they claim none. */
function publisherOf({ address, announcement, state }: RepositoryEvents): string | undefined {
  const { identifier } = address;
  const bound = [announcement, state].flatMap((signed) =>
    signed ? boundPublisher(signed.event, identifier) ?? [] : []
  );
  if (bound.includes("forged") || new Set(bound).size > 1) {
    throw new VerificationError(
      "wrong-key",
      `can't use ${quote(identifier)}: it claims a publisher who has not agreed to that`,
      { hint: "ask its publisher for the right address" },
    );
  }
  return bound[0];
}

function repository(parts: LocateParts, publicKey: string, address: NostrAddress): Located {
  const name = address.identifier;
  const fault = repositoryNameFault(name);
  if (fault !== undefined) {
    throw new UsageError("bad-name", `can't use ${quote(name)} as a repository: ${fault}`, {
      hint:
        "a repository that is published with gtr has up to 64 letters, digits, '.', '_' and '-'",
    });
  }
  parts.found(publicKey, address);
  parts.lookup.keep(address);
  const id = publisherId(Uint8Array.fromHex(publicKey));
  return { address: { scheme: "nostr", id, publicKey, name } };
}

/** A name from an address or an event, for an error. */
function quote(name: string): string {
  return printableLine(name, 128);
}
