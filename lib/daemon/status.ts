/**
 * The figures of `gtr status`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { VERSION } from "../common/version.ts";
import { abortable, deadline } from "../common/wait.ts";
import type { Engine } from "../engine/engine.ts";
import { freeDisk } from "../engine/free_disk.ts";
import { formatAddress } from "../identity/address.ts";
import { publisherId } from "../identity/keys.ts";
import type { Health, Transport } from "../transports/transport.ts";
import type { Status } from "./api.ts";
import { reaches, verdictOf } from "./verdict.ts";

/** How long a network may take to find out how it is, for whoever asks next. */
const PROBE_MS = 5000;

/** How long a network may take to open its sockets, once they are needed. */
const OPEN_MS = 2000;

/** How long networks are given to find out how they are before what is known is told. */
const LOOK_MS = 1000;

/** Tells what is known after a moment: a network that is out of reach holds up nobody. */
export async function engineStatus(
  engine: Pick<Engine, "parts" | "hindrances">,
  uptimeSeconds: number,
): Promise<Status> {
  const { transports, store, settings, key, follows, quota, dropped } = engine.parts;
  using look = deadline(LOOK_MS, "networks to say how they are");
  await abortable(Promise.all(transports.map(probe)), look.signal).catch(() => {}); // later, then
  const networks = await Promise.all(transports.map(async (transport) => {
    const health = await healthOf(transport);
    const warning = health?.hint && `${transport.scheme}: ${health.summary} (${health.hint})`;
    return { scheme: transport.scheme, details: { ...health?.details }, warning };
  }));
  const reach = reaches(transports);
  const followed = await follows.list();
  const repositories: Status["repositories"][number][] = [];
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
    warnings: [
      ...networks.flatMap(({ warning }) => warning ?? []),
      ...await storeWarnings(engine.parts),
      ...await engine.hindrances(),
    ],
    dropped: dropped.toJSON(),
  };
}

/** Why something of others is not fetched. */
async function storeWarnings(parts: Engine["parts"]): Promise<string[]> {
  const { free, floor } = await freeDisk(parts);
  const scarce =
    `disk: ${free} bytes are free, and ${floor} are kept (store.freeDisk): nothing of ` +
    "others is fetched";
  const refused = (await parts.refused.all()).map(({ name, why }) =>
    `${name} is not brought up to date: ${why}`
  );
  return [...(free < floor ? [scarce] : []), ...refused];
}

/** Undefined if it can't be opened. */
async function healthOf(transport: Transport): Promise<Health | undefined> {
  using limit = deadline(OPEN_MS, `${transport.scheme} to open`);
  return await abortable(transport.health(limit), limit.signal).catch(() => undefined);
}

/** Networks that are finding out how they are. */
const probing = new WeakSet<Transport>();

async function probe(transport: Transport): Promise<void> {
  if (probing.has(transport)) return;
  probing.add(transport);
  using limit = deadline(PROBE_MS, `${transport.scheme} to say how it is`);
  // What has come of it is in its health. A network that ignores its signal is asked again, too.
  await abortable(transport.probe({ signal: limit.signal }), limit.signal).catch(() => {});
  probing.delete(transport);
}
