/**
 * Keys, packs and publications to test networks with.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { deadline } from "../../lib/common/wait.ts";
import { keyFromSeed, type PublisherKey } from "../../lib/identity/keys.ts";
import type { RepoAddress } from "../../lib/identity/address.ts";
import { signManifest } from "../../lib/manifest/manifest.ts";
import type { PackFile } from "../../lib/manifest/pack_file.ts";
import { PackHasher } from "../../lib/manifest/pack_torrent.ts";
import type { PackRef, SignedManifest } from "../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../lib/ports/network.ts";

const DEADLINE_MS = 60_000;

/** A key made from one number. */
export function testKey(n: number): PublisherKey {
  return keyFromSeed(new Uint8Array(32).fill(n));
}

/** A pack of random bytes: networks don't look inside. */
export async function makePack(folder: string, size: number): Promise<PackFile> {
  const bytes = randomBytes(size);
  const hasher = new PackHasher(size);
  hasher.update(bytes);
  const { sha256, infohash } = hasher.digest();
  const path = join(folder, `${sha256}.pack`);
  await Deno.writeFile(path, bytes);
  return { path, pack: { sha256, infohash, size, objects: 1, tips: [oid()] } };
}

/** A signed manifest with `refs` random branches. */
export function makeManifest(
  key: PublisherKey,
  transport: Pick<OpenNetwork, "scheme" | "endpoints">,
  fields: { name?: string; sequence?: number; packs?: readonly PackRef[]; refs?: number } = {},
): SignedManifest {
  const refs: Record<string, string> = {};
  for (let i = 0; i < (fields.refs ?? 1); i++) refs[`refs/heads/branch-${i}`] = oid();
  return signManifest({
    version: 1,
    publisher: key.publicKeyHex,
    name: fields.name ?? "hello",
    sequence: fields.sequence ?? 1,
    created: 1_700_000_000,
    objectFormat: "sha1",
    head: "refs/heads/branch-0",
    refs,
    packs: fields.packs ?? [],
    endpoints: { [transport.scheme]: transport.endpoints() },
  }, key);
}

/** All that resolving yields. */
export async function resolveAll(
  transport: OpenNetwork,
  address: Omit<RepoAddress, "scheme">,
): Promise<SignedManifest[]> {
  using limit = deadline(DEADLINE_MS, "manifests");
  const found: SignedManifest[] = [];
  const stream = transport.records!.resolve({ scheme: transport.scheme, ...address }, limit);
  for await (const signed of stream) found.push(signed);
  return found;
}

/** The newest manifest that `transport` finds. */
export async function resolveLast(transport: OpenNetwork, key: PublisherKey, name = "hello") {
  return (await resolveAll(transport, { id: key.id, name })).at(-1);
}

/** Seeds the packs and announces the manifest. */
export async function publish(
  transport: OpenNetwork,
  signed: SignedManifest,
  packs: readonly PackFile[],
): Promise<AsyncDisposable[]> {
  using limit = deadline(DEADLINE_MS, "an announcement");
  const seeds = await Promise.all(packs.map((pack) => transport.packs!.offer(pack)));
  await transport.records!.publish(signed, packs, limit);
  return seeds;
}

/** Fetches a pack and returns its bytes. */
export async function fetchBytes(
  transport: OpenNetwork,
  pack: PackRef,
  from: SignedManifest,
  into: string,
): Promise<Uint8Array> {
  using limit = deadline(DEADLINE_MS, "a pack");
  await transport.packs!.fetch(pack, from, into, limit);
  return await Deno.readFile(into);
}

function oid(): string {
  return randomBytes(20).toString("hex");
}
