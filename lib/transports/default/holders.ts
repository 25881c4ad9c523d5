/**
 * Which servers have the packs of a repository.
 *
 * @module
 */
import { deadline } from "../../common/wait.ts";
import { publisherId } from "../../identity/keys.ts";
import { isAnnounced } from "../../manifest/flow.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type { RepoAddress } from "../../identity/address.ts";
import type { Holder } from "../../ports/packs.ts";
import { get } from "./client.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** One server may take so many milliseconds for everything. */
const ANSWER_MS = 5000;

/** The server's manifest of a repository, verified; undefined where it has none. */
type AskManifest = (
  server: Endpoint,
  address: RepoAddress,
  signal: AbortSignal,
) => Promise<SignedManifest | undefined>;

/** Asks each server for its manifest and, unless nothing is stored in packs, for a byte of each. */
export async function serversThatHave(
  manifest: Manifest,
  servers: readonly Endpoint[],
  ask: AskManifest,
  signal: AbortSignal,
): Promise<Holder[]> {
  const { publisher, name } = manifest;
  const id = publisherId(Uint8Array.fromHex(publisher));
  const address = { scheme: "default", id, publicKey: publisher, name };
  const answers = await Promise.all(servers.map(async (server): Promise<Holder[]> => {
    using limit = deadline(ANSWER_MS, "a server to say what it has", signal);
    const sequence = await ask(server, address, limit.signal)
      .then((signed) => signed?.manifest.sequence, () => undefined);
    if (sequence === undefined) return [];
    const complete = isAnnounced(manifest)
      ? sequence >= manifest.sequence
      : await hasPacks(server, manifest, limit.signal);
    return [{ peer: formatEndpoint(server), sequence, complete }];
  }));
  signal.throwIfAborted();
  return answers.flat();
}

async function hasPacks(
  server: Endpoint,
  { publisher, name, packs }: Manifest,
  signal: AbortSignal,
): Promise<boolean> {
  for (const pack of packs.toReversed()) {
    const path = `/${publisher}/${name}/packs/${pack.sha256}.pack`;
    if (!await hasLastByte({ server, publisher, path }, pack, signal)) return false;
  }
  return true;
}

async function hasLastByte(
  question: { server: Endpoint; publisher: string; path: string },
  { size }: PackRef,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const range = `${size - 1}-${size - 1}`;
    const reply = await get({ ...question, headers: { Range: `bytes=${range}` } }, signal);
    reply.destroy();
    return reply.statusCode === 206 && reply.headers["content-range"] === `bytes ${range}/${size}`;
  } catch {
    return false; // it has hung up, or is another's by now
  }
}
