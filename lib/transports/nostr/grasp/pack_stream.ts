/**
 * A pack made by one's own `git upload-pack` (gitprotocol-v2(5), `fetch`).
 *
 * @module
 */
import { GitError } from "../../../common/errors.ts";
import { FLUSH, packetOf, PacketReader, textOf } from "../../../common/pkt_line.ts";
import { printableLine } from "../../../common/printable.ts";
import type { LiveSource } from "../../../ports/streams.ts";

/** What a pack is to hold. */
export interface PackWanted {
  /** Objects that are to be there afterwards, with all they reach. */
  readonly wants: readonly string[];
  /** Objects that are there already; unknown ones do no harm. */
  readonly haves: readonly string[];
  /** Whether deltas may tell where their base is in the pack. */
  readonly offsets: boolean;
}

const DELIMITER = new TextEncoder().encode("0001");
const PACK = 1;
const FAILURE = 3;

/**
 * The bytes of the pack, as git makes them.
 *
 * @throws {GitError} "git-failed"
 */
export async function* packStream(
  source: LiveSource,
  { wants, haves, offsets }: PackWanted,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const ending = new AbortController();
  const git = await source.open(AbortSignal.any([signal, ending.signal]));
  try {
    const packets = new PacketReader(git.readable);
    while ((await packets.next())?.kind === "data"); // what it can do is known
    const request = [
      packetOf("command=fetch\n"),
      packetOf(`object-format=${source.manifest.manifest.objectFormat}\n`),
      DELIMITER,
      packetOf("no-progress\n"),
      ...(offsets ? [packetOf("ofs-delta\n")] : []),
      ...wants.map((oid) => packetOf(`want ${oid}\n`)),
      ...haves.map((oid) => packetOf(`have ${oid}\n`)),
      packetOf("done\n"),
      FLUSH,
    ];
    await new Blob(request as BlobPart[]).stream().pipeTo(git.writable);
    for (;;) {
      const packet = await packets.next();
      if (packet === undefined) throw failed("it ended before the pack");
      if (packet.kind === "data" && textOf(packet) === "packfile") break;
    }
    for (;;) {
      const packet = await packets.next();
      if (packet === undefined) throw failed("it ended within the pack");
      if (packet.kind !== "data") return;
      const [band] = packet.content;
      if (band === PACK) yield packet.content.subarray(1);
      else if (band === FAILURE) throw failed(printableLine(textOf(packet).slice(1), 200));
    }
  } finally {
    ending.abort(new GitError("git-failed", "can't make a pack: the push has ended"));
  }
}

function failed(why: string): GitError {
  return new GitError("git-failed", `can't make a pack: git upload-pack fails: ${why}`);
}
