/**
 * Which relays and servers answer.
 *
 * @module
 */
import { npubEncode } from "nostr-tools/nip19";
import { counted } from "../../common/counted.ts";
import type { GtrError } from "../../common/errors.ts";
import { deadline } from "../../common/wait.ts";
import type { Health } from "../../ports/health.ts";
import { sizeOfBlob } from "./blossom/download.ts";
import type { Relays } from "./relays/relays.ts";

const LOOK_MS = 5_000;
/** An id that no event and no blob has. */
const NOTHING = "0".repeat(64);

/** The URLs of those that answered. */
export interface Answered {
  readonly relays: readonly string[];
  readonly servers: readonly string[];
}

/** Asks every relay and every server that the user set. */
export async function askServers(
  relays: Relays,
  urls: readonly string[],
  servers: readonly string[],
  signal: AbortSignal,
): Promise<Answered> {
  const asked = relays.query(urls, [{ ids: [NOTHING], limit: 1 }], signal)
    .then((outcome) => [...outcome.answered], () => [] as string[]);
  const [answered, stored] = await Promise.all([
    asked,
    Promise.all(servers.map(async (server) => {
      using limit = deadline(LOOK_MS, `${server} to answer`, signal);
      return await sizeOfBlob(`${server}/${NOTHING}`, limit.signal).then(() => server, () => "");
    })),
  ]);
  signal.throwIfAborted();
  return { relays: answered, servers: stored.filter((server) => server !== "") };
}

/** @param answered undefined if nobody has been asked yet */
export function healthOf(
  urls: readonly string[],
  servers: readonly string[],
  answered: Answered | undefined,
  key: { readonly pubkey: string | undefined; readonly failure: GtrError | undefined },
): Health {
  const details = {
    ...(answered && {
      relays: `${answered.relays.length} of ${urls.length}`,
      servers: `${answered.servers.length} of ${servers.length}`,
    }),
    ...(key.pubkey === undefined ? {} : { npub: npubEncode(key.pubkey) }),
    ...(key.failure?.code === "locked-key" ? { key: "locked" } : {}),
  };
  const isSilent = answered?.relays.length === 0;
  const summary = isSilent
    ? `no relay answers: check the network and nostr.relays (${urls.join(", ")})`
    : key.failure
    ? `can't publish: ${key.failure.message}`
    : answered
    ? summaryOf(urls, servers, answered)
    : "not known yet which relays answer";
  return { reachable: !isSilent, summary, hint: isSilent ? undefined : key.failure?.hint, details };
}

function summaryOf(urls: readonly string[], servers: readonly string[], answered: Answered) {
  const isSilent = (url: string) =>
    !answered.relays.includes(url) && !answered.servers.includes(url);
  const silent = [...urls, ...servers].filter(isSilent);
  if (silent.length > 0) return `no answer of ${silent.join(", ")}`;
  const relays = `in touch with ${counted(urls.length, "relay")}`;
  return servers.length === 0
    ? `${relays}; packs are in the swarm only until nostr.blossom is set`
    : `${relays} and ${counted(servers.length, "server")}`;
}
