/**
 * Names at a domain (NIP-05): `user@domain` is what `https://domain/.well-known/nostr.json` says.
 *
 * @module
 */
import { NetworkError, RequestError } from "../../common/errors.ts";
import { deadline, type Wait } from "../../common/wait.ts";
import { fetchDocument } from "../../identity/registry_fetch.ts";
import { MAX_HINTS, type Nip05Address, type NostrAddress } from "./address.ts";
import { distinctUrls, relayUrl } from "./urls.ts";

const DEADLINE = 10_000;
/** A domain may list all its users whatever is asked. */
const MAX_ANSWER = 1024 * 1024;

/**
 * Looks the key up, and the relays that the domain says the user writes to.
 *
 * @param fetcher what asks the domain; tests ask another
 * @throws {NetworkError} "unreachable" or "timed-out"
 * @throws {RequestError} "unknown-name"
 */
export async function lookUpNip05(
  address: Nip05Address,
  wait: Wait,
  fetcher: typeof fetchDocument = fetchDocument,
): Promise<NostrAddress> {
  const { user, domain, identifier } = address;
  using limit = deadline(DEADLINE, `${domain} to say who ${user} is`, wait.signal);
  const answer = await ask(domain, user, limit.signal, fetcher);
  const names = record(record(answer)?.names);
  // Keys of another case than asked for are the domain's mistake, and common.
  const key = names && (own(names, user) ?? own(names, user.toLowerCase()));
  if (typeof key !== "string" || !/^[0-9a-f]{64}$/.test(key)) {
    throw new RequestError(
      "unknown-name",
      `can't find ${user}@${domain}: the domain has no such name`,
      {
        hint: `use the owner's public key: nostr://npub1.../${encodeURIComponent(identifier)}`,
      },
    );
  }
  const told = own(record(record(answer)?.relays) ?? {}, key);
  const relays = Array.isArray(told) ? told.filter((one) => typeof one === "string") : [];
  return {
    pubkey: key,
    identifier,
    relays: distinctUrls([...address.relays, ...relays], relayUrl, MAX_HINTS),
  };
}

async function ask(
  domain: string,
  user: string,
  signal: AbortSignal,
  fetcher: typeof fetchDocument,
): Promise<unknown> {
  const url = `https://${domain}/.well-known/nostr.json?name=${encodeURIComponent(user)}`;
  try {
    return JSON.parse(new TextDecoder().decode(await fetcher(url, MAX_ANSWER, signal)));
  } catch (cause) {
    signal.throwIfAborted();
    throw new NetworkError(
      "unreachable",
      `can't ask ${domain} who ${user} is: ${(cause as Error).message}`,
      { hint: "try again, or use the owner's npub1... instead of the name", cause },
    );
  }
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
