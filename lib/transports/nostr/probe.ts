/**
 * Which relays and servers answer.
 *
 * @module
 */
import { npubEncode } from "nostr-tools/nip19";
import { counted } from "../../common/counted.ts";
import type { GtrError } from "../../common/errors.ts";
import { deadline } from "../../common/wait.ts";
import type { Health } from "../transport.ts";
import { sizeOfBlob } from "./blossom/download.ts";
import type { Relays } from "./relays/relays.ts";

const LOOK = 5_000;
/** An id that no event and no blob has. */
const NOTHING = "0".repeat(64);

/** Asks every relay and every server that the user set. */
export async function probeServers(
  relays: Relays,
  urls: readonly string[],
  servers: readonly string[],
  key: { readonly pubkey: string | undefined; readonly failure: GtrError | undefined },
  signal: AbortSignal,
): Promise<Health> {
  const asked = relays.query(urls, [{ ids: [NOTHING], limit: 1 }], signal)
    .then((outcome) => [...outcome.answered], () => [] as string[]);
  const [answered, stored] = await Promise.all([
    asked,
    Promise.all(servers.map(async (server) => {
      using limit = deadline(LOOK, `${server} to answer`, signal);
      return await sizeOfBlob(`${server}/${NOTHING}`, limit.signal).then(() => server, () => "");
    })),
  ]);
  signal.throwIfAborted();
  const reached = stored.filter((server) => server !== "");
  const silent = [...urls, ...servers].filter((url) =>
    !answered.includes(url) && !reached.includes(url)
  );
  const summary = answered.length === 0
    ? `no relay answers: check the network and nostr.relays (${urls.join(", ")})`
    : key.failure
    ? `can't publish: ${key.failure.message}`
    : silent.length > 0
    ? `no answer of ${silent.join(", ")}`
    : servers.length === 0
    ? `in touch with ${counted(urls.length, "relay")}; packs are in the swarm only until ` +
      "nostr.blossom is set"
    : `in touch with ${counted(urls.length, "relay")} and ${counted(servers.length, "server")}`;
  return {
    reachable: answered.length > 0,
    summary,
    hint: answered.length === 0 ? undefined : key.failure?.hint,
    details: {
      relays: `${answered.length} of ${urls.length}`,
      servers: `${reached.length} of ${servers.length}`,
      ...(key.pubkey === undefined ? {} : { npub: npubEncode(key.pubkey) }),
      ...(key.failure?.code === "locked-key" ? { key: "locked" } : {}),
    },
  };
}
