/**
 * Addresses of repositories: `nostr://<naddr1...>` and
 * `nostr://<npub|nip05>/[percent-encoded relay/]<identifier>`, as ngit writes them (NIP-19, NIP-34).
 *
 * @module
 */
import { decode, npubEncode } from "nostr-tools/nip19";
import { UsageError } from "../../../common/errors.ts";
import { printableLine } from "../../../common/printable.ts";
import { ANNOUNCEMENT } from "../events/kinds.ts";
import { distinctUrls, relayUrl } from "../urls.ts";

/** A repository of a key that is known. */
export interface NostrAddress {
  /** Public key (secp256k1, x only), 64 lower-case hex digits. */
  readonly pubkey: string;
  /** The `d` tag of the announcement. */
  readonly identifier: string;
  /** Relays to ask first. */
  readonly relays: readonly string[];
}

/** A repository whose key is to be looked up at a domain (NIP-05). */
export interface Nip05Address {
  /** "_" where the address names only the domain. */
  readonly user: string;
  /** Lower-case. */
  readonly domain: string;
  readonly identifier: string;
  readonly relays: readonly string[];
}

/** Most relays that an address can name. */
export const MAX_HINTS = 8;
/** Longest identifier, in bytes of UTF-8: an naddr has room for 255. */
export const MAX_IDENTIFIER = 128;

const MAX_ADDRESS = 4096;
/** Longest part of an address that an error repeats, in UTF-16 code units. */
const MAX_QUOTED = 100;
const SCHEME = "nostr://";
/** A secret key (NIP-19, NIP-49), wherever it stands: an address is sent to relays, and in errors. */
const SECRET = /n(?:crypt)?sec1[02-9ac-hj-np-z]{20}/i;
const USER = /^[a-z0-9._-]{1,64}$/i;
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})+$`);

/**
 * Reads an address in any of its forms. A relay without `wss://` in front gets it.
 *
 * @throws {UsageError} "bad-address" that says what exactly is wrong
 */
export function parseNostrAddress(url: string): NostrAddress | Nip05Address {
  if (SECRET.test(url)) {
    throw new UsageError("bad-address", "can't use this address: it has a secret key in it", {
      hint: "take it back from wherever it was written; addresses have the public npub1...",
    });
  }
  if (url.length > MAX_ADDRESS) {
    throw badAddress(url, `it has ${url.length} characters and ${MAX_ADDRESS} is the most`);
  }
  if (!url.startsWith(SCHEME)) throw badAddress(url, `it has no '${SCHEME}' in front`);
  const fail = (why: string) => badAddress(url, why);
  const parts = url.slice(SCHEME.length).replace(/\/+$/, "").split("/");
  const [owner, second, third] = parts;
  if (!owner) throw fail("the owner's npub, name or naddr is missing");
  if (/^naddr1/i.test(owner)) {
    if (parts.length > 1) throw fail("an naddr has all in it and nothing can follow it");
    return readNaddr(owner, fail);
  }
  if (parts.length > 3) {
    throw fail("it has too many parts; a relay's '/' is written '%2F', its ':' '%3A'");
  }
  if (second === undefined) throw fail("the repository's identifier is missing");
  const relays = third === undefined ? [] : [readRelay(second, fail)];
  const identifier = checkIdentifier(unescape(third ?? second, fail), fail);
  if (/^npub1/i.test(owner)) return { pubkey: readNpub(owner, fail), identifier, relays };
  return { ...readNip05(owner, fail), identifier, relays };
}

/** Writes `nostr://<npub>/[relay/]<identifier>` with the first of its relays, as ngit does. */
export function formatNostrAddress({ pubkey, identifier, relays }: NostrAddress): string {
  const short = relays[0]?.replace(/^wss:\/\//, "");
  const relay = short === undefined ? "" : `${encodeURIComponent(short)}/`;
  return `${SCHEME}${npubEncode(pubkey)}/${relay}${encodeURIComponent(identifier)}`;
}

/** Why `identifier` can't be a repository's, or undefined where it can. */
export function identifierFault(identifier: string): string | undefined {
  if (identifier === "") return "it is empty";
  const length = new TextEncoder().encode(identifier).length;
  if (length > MAX_IDENTIFIER) return `it has ${length} bytes and ${MAX_IDENTIFIER} is the most`;
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f-\x9f/]/.test(identifier) || !identifier.isWellFormed()) {
    return "it contains a '/' or a control character";
  }
  return undefined;
}

type Fail = (why: string) => UsageError;

function readNaddr(text: string, fail: Fail): NostrAddress {
  const decoded = decodeBech32(text, fail);
  if (decoded.type !== "naddr") throw fail("invalid naddr");
  const { kind, pubkey, identifier, relays = [] } = decoded.data;
  if (kind !== ANNOUNCEMENT) {
    throw fail(`it names an event of kind ${kind}, and a repository is one of ${ANNOUNCEMENT}`);
  }
  return {
    pubkey,
    identifier: checkIdentifier(identifier, fail),
    // They were written by a program, and are hints: what is wrong among them is left out.
    relays: distinctUrls(relays, relayUrl, MAX_HINTS),
  };
}

function readNpub(text: string, fail: Fail): string {
  const decoded = decodeBech32(text, fail);
  if (decoded.type !== "npub" || !/^[0-9a-f]{64}$/.test(decoded.data)) {
    throw fail("invalid npub");
  }
  return decoded.data;
}

function decodeBech32(text: string, fail: Fail) {
  try {
    return decode(text);
  } catch {
    throw fail(`'${text.slice(0, 5)}...' is damaged: its checksum or its content is wrong`);
  }
}

function readNip05(text: string, fail: Fail): { user: string; domain: string } {
  const at = text.lastIndexOf("@");
  const user = at < 0 ? "_" : text.slice(0, at);
  const domain = text.slice(at + 1).toLowerCase();
  if (!USER.test(user)) throw fail(`${quoted(user)} can't be the name of a user`);
  if (!DOMAIN.test(domain)) {
    throw fail(`${quoted(text)} is neither an npub, an naddr nor a name at a domain`);
  }
  return { user, domain };
}

function readRelay(escaped: string, fail: Fail): string {
  const text = unescape(escaped, fail);
  const relay = relayUrl(/^[a-z]+:\/\//i.test(text) ? text : `wss://${text}`);
  if (relay === undefined) throw fail(`${quoted(text)} is not the address of a relay (wss://...)`);
  return relay;
}

function unescape(text: string, fail: Fail): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fail(`${quoted(text)} has a wrong percent-escape`);
  }
}

function checkIdentifier(identifier: string, fail: Fail): string {
  const fault = identifierFault(identifier);
  if (fault) throw fail(`${quoted(identifier)} can't be a repository's identifier: ${fault}`);
  return identifier;
}

function badAddress(url: string, why: string): UsageError {
  const message = `can't use ${quoted(url)} as an address: ${why}`;
  return new UsageError("bad-address", printableLine(message, Infinity), {
    hint: "write nostr://npub1.../<identifier>, nostr://<user>@<domain>/<identifier> " +
      "or nostr://naddr1...",
  });
}

function quoted(text: string): string {
  return text.length > MAX_QUOTED ? `'${text.slice(0, MAX_QUOTED)}...'` : `'${text}'`;
}
