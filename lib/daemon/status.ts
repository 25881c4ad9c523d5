/**
 * The figures of `gtr status`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { VERSION } from "../common/version.ts";
import { abortable, deadline } from "../common/wait.ts";
import type { Engine } from "../engine/engine.ts";
import { freeDisk } from "../engine/keep/free_disk.ts";
import { formatAddress } from "../identity/address.ts";
import { publisherId } from "../identity/keys.ts";
import type { Health } from "../ports/health.ts";
import type { OpenNetwork } from "../ports/network.ts";
import { ANY_NETWORK } from "../transports/known.ts";
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
  const { networks, store, settings, key, follows, quota, dropped } = engine.parts;
  using look = deadline(LOOK_MS, "networks to say how they are");
  await abortable(Promise.all(networks.map(probe)), look.signal).catch(() => {}); // later, then
  const told = await Promise.all(networks.map(async (network) => {
    const { scheme } = network;
    const health = await healthOf(network);
    const warning = health?.hint && `${scheme}: ${health.summary} (${health.hint})`;
    return { scheme, details: { ...health?.details }, warning };
  }));
  const reach = reaches(networks);
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
        scheme: networks[0]?.scheme ?? ANY_NETWORK,
        id,
        name: manifest.name,
      }),
      sequence: manifest.sequence,
      packs: packs.length,
      bytes: packs.reduce((sum, pack) => sum + pack.size, 0),
      role: own ? "published" : "followed",
      pinned: own || follow !== undefined,
      ...(follow?.branches && { branches: [...follow.branches] }),
      peers: networks.reduce((sum, { packs }) => sum + (packs?.peers(manifest) ?? 0), 0),
      overQuota: quota.isOver(repository, manifest),
    });
  }
  return {
    daemon: { pid: Deno.pid, version: VERSION, uptimeSeconds },
    transports: Object.fromEntries(told.map(({ scheme, details }) => [scheme, details])),
    reach,
    verdict: verdictOf(reach),
    repositories,
    store: { bytes: await quota.used(), quota: settings.get("store.quota") },
    warnings: [
      ...told.flatMap(({ warning }) => warning ?? []),
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
async function healthOf({ scheme, health }: OpenNetwork): Promise<Health | undefined> {
  using limit = deadline(OPEN_MS, `${scheme} to open`);
  return await abortable(health.now(limit), limit.signal).catch(() => undefined);
}

/** Networks that are finding out how they are. */
const probing = new WeakSet<OpenNetwork>();

async function probe(network: OpenNetwork): Promise<void> {
  if (probing.has(network)) return;
  probing.add(network);
  using limit = deadline(PROBE_MS, `${network.scheme} to say how it is`);
  // What has come of it is in its health. A network that ignores its signal is asked again, too.
  await abortable(network.health.probe({ signal: limit.signal }), limit.signal).catch(() => {});
  probing.delete(network);
}
