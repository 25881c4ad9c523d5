/**
 * Which peers of a repository have its packs.
 *
 * @module
 */
import { deadline } from "../../common/wait.ts";
import { isAnnounced } from "../../manifest/flow.ts";
import { pieceLength } from "../../manifest/pack_torrent.ts";
import type { Manifest } from "../../manifest/types.ts";
import type { Holder, HolderWait } from "../../ports/packs.ts";
import { type Address, formatHostPort } from "./address.ts";
import type { Notices } from "./notices.ts";
import type { MeetingPeer, Swarm } from "./swarm/swarm.ts";

/** One peer may take so many milliseconds for all packs. */
const ANSWER_MS = 5000;

/** What {@linkcode findHolders} works with. */
export interface HolderParts {
  readonly swarm: Swarm;
  readonly notices: Notices;
  /** Whether the peer at an address serves the publication live; never rejects. */
  readonly serves: (address: Address, signal: AbortSignal) => Promise<boolean>;
}

/** See `OpenNetwork.holders`. */
export async function findHolders(
  parts: HolderParts,
  manifest: Manifest,
  { search, signal }: HolderWait,
): Promise<Holder[]> {
  const members = await parts.notices.members(manifest, search, signal);
  const asked = search ? members : members.filter((p) => p.sequence >= manifest.sequence);
  return await Promise.all(asked.map(async (member) => ({
    // Who can't be dialled is told from others at that address by its id.
    peer: member.address
      ? formatHostPort(member.address)
      : `${member.host} (${member.id.slice(-8)})`,
    sequence: member.sequence,
    complete: await isComplete(parts, member, manifest, signal),
  })));
}

async function isComplete(
  { swarm, serves }: HolderParts,
  member: MeetingPeer,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<boolean> {
  using limit = deadline(ANSWER_MS, "what it has", signal);
  if (isAnnounced(manifest)) {
    return member.address !== undefined && await serves(member.address, limit.signal);
  }
  // The newest first: it is what most peers lack, and then nothing else needs to be asked.
  for (const { infohash, size } of manifest.packs.toReversed()) {
    const torrent = { infohash, pieces: Math.ceil(size / pieceLength(size)) };
    if (!await swarm.isHeldBy(member, torrent, limit.signal)) return false;
  }
  signal.throwIfAborted();
  return true;
}
