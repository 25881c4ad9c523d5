/**
 * Names at a domain (NIP-05): `user@domain` is what `https://domain/.well-known/nostr.json` says, as
 * long as it says the same as before.
 *
 * @module
 */
import { npubEncode } from "nostr-tools/nip19";
import { RequestError, VerificationError } from "../../../common/errors.ts";
import { type NameKind, Registry, type ToldByDomain } from "../../../identity/registry.ts";
import { fetchDocument } from "../../../identity/registry_fetch.ts";
import { formatRegistryName, type RegistryName } from "../../../identity/registry_name.ts";
import { distinctUrls, relayUrl } from "../urls.ts";
import { MAX_HINTS } from "./address.ts";

/** A domain may list all its users whatever is asked. */
const MAX_ANSWER = 1024 * 1024;

const NOSTR_NAMES: NameKind = {
  prefix: "nostr:",
  read: keyIn,
  show: npubEncode,
  accept: "gtr nostr trust",
  instead: "the owner's npub1... instead of the name",
};

/**
 * What domains say of names on Nostr: each name's key and the relays that its user writes to.
 *
 * @param path of the file in which that is kept
 * @param timeout milliseconds that a domain may take to answer
 * @param fetcher what asks the domain; tests ask another
 */
export function nip05Names(
  path: string,
  timeoutMs: number,
  fetcher: typeof fetchDocument = fetchDocument,
): Registry {
  const ask = ({ user, domain }: RegistryName, signal: AbortSignal) =>
    fetcher(
      `https://${domain}/.well-known/nostr.json?name=${encodeURIComponent(user)}`,
      MAX_ANSWER,
      signal,
    );
  return new Registry({ path, ask, timeoutMs, kind: NOSTR_NAMES });
}

/**
 * @throws {VerificationError} "bad-registry"
 * @throws {RequestError} "unknown-name"
 */
function keyIn(document: Uint8Array, name: RegistryName): ToldByDomain {
  const who = formatRegistryName(name);
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(document));
  } catch (cause) {
    throw badAnswer(who, `what ${name.domain} answers is not JSON`, cause);
  }
  const names = record(record(answer)?.names);
  if (!names) throw badAnswer(who, `what ${name.domain} answers is not a list of names`);
  // In capitals they are the domain's mistake, and common.
  const spelled = Object.hasOwn(names, name.user)
    ? name.user
    : Object.keys(names).find((user) => user.toLowerCase() === name.user);
  if (spelled === undefined) {
    throw new RequestError(
      "unknown-name",
      `can't find ${who}: ${name.domain} has no such name`,
      { hint: `check the name, or use ${NOSTR_NAMES.instead}` },
    );
  }
  const publisher = names[spelled];
  if (typeof publisher !== "string" || !/^[0-9a-f]{64}$/.test(publisher)) {
    throw badAnswer(who, `${name.domain} gives it something else than a public key`);
  }
  const told = record(record(answer)?.relays)?.[publisher];
  const relays = Array.isArray(told) ? told.filter((one) => typeof one === "string") : [];
  return { publisher, relays: distinctUrls(relays, relayUrl, MAX_HINTS) };
}

function badAnswer(who: string, why: string, cause?: unknown): VerificationError {
  return new VerificationError("bad-registry", `can't look up ${who}: ${why}`, {
    hint: `who runs the domain can mend it; until then use ${NOSTR_NAMES.instead}`,
    cause,
  });
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}
