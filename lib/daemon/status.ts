/**
 * The figures of `gtr status`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { VERSION } from "../common/version.ts";
import { deadline } from "../common/wait.ts";
import type { Engine } from "../engine/engine.ts";
import { formatAddress } from "../identity/address.ts";
import { publisherId } from "../identity/keys.ts";
import type { Status } from "./api.ts";
import { reaches, verdictOf } from "./verdict.ts";

const PROBE_MS = 2000;

/** Asks the networks and the store. */
export async function engineStatus(engine: Engine, uptimeSeconds: number): Promise<Status> {
  const { transports, store, settings, key, follows, quota, dropped } = engine.parts;
  using limit = deadline(PROBE_MS, "the networks' own figures");
  const networks = await Promise.all(transports.map(async (transport) => {
    const health = await transport.probe({ signal: limit.signal }).catch(() => undefined);
    const warning = health?.hint && `${transport.scheme}: ${health.summary} (${health.hint})`;
    return { scheme: transport.scheme, details: { ...health?.details }, warning };
  }));
  const reach = reaches(transports);
  const followed = await follows.list();
  const repositories: Status["repositories"] = [];
  for (const repository of await store.repositories()) {
    const manifest = (await repository.manifest().catch(() => undefined))?.manifest;
    if (!manifest) continue;
    const packs = (await repository.packs()).map(({ pack }) => pack);
    const own = manifest.publisher === key.publicKeyHex;
    const id = publisherId(Buffer.from(manifest.publisher, "hex"));
    const follow = followed.find(({ publisher, name }) =>
      publisher === manifest.publisher && name === manifest.name
    );
    repositories.push({
      address: formatAddress({
        scheme: transports[0]?.scheme ?? "torrent",
        id,
        name: manifest.name,
      }),
      sequence: manifest.sequence,
      packs: packs.length,
      bytes: packs.reduce((sum, pack) => sum + pack.size, 0),
      role: own ? "published" : "followed",
      pinned: own || follow !== undefined,
      ...(follow?.branches && { branches: [...follow.branches] }),
      peers: transports.reduce((sum, transport) => sum + transport.peers(manifest), 0),
      overQuota: quota.isOver(repository, manifest),
    });
  }
  return {
    daemon: { pid: Deno.pid, version: VERSION, uptimeSeconds },
    transports: Object.fromEntries(networks.map(({ scheme, details }) => [scheme, details])),
    reach,
    verdict: verdictOf(reach),
    repositories,
    store: { bytes: await quota.used(), quota: settings.get("store.quota") },
    warnings: [...networks.flatMap(({ warning }) => warning ?? []), ...await engine.hindrances()],
    dropped: dropped.toJSON(),
  };
}
