/** What a live peer answers to git (gitprotocol-v2(5)), on its way through gtd. */
import assert from "node:assert/strict";
import { FLUSH, packetOf, PacketReader, textOf } from "../../../lib/common/pkt_line.ts";
import { joinLive } from "../../../lib/engine/live/git_client.ts";
import type { SignedManifest } from "../../../lib/manifest/types.ts";
import { assertTyped, inPieces, simple, type Target } from "../target.ts";

const OID = "1".repeat(40);
const MANIFEST = {
  name: "hello",
  objectFormat: "sha1",
  head: "refs/heads/main",
  refs: { "refs/heads/main": OID },
};
const DELIMITER = new TextEncoder().encode("0001");
/** What git says: it asks for the refs, and for objects, once or for a shallow clone too. */
const REQUESTS = [
  ...[packetOf("command=ls-refs\n"), DELIMITER, packetOf("peel\n"), FLUSH],
  ...[packetOf("command=fetch\n"), DELIMITER, packetOf(`want ${OID}\n`), packetOf("done\n"), FLUSH],
];
/** What gtd says to git besides what the peer does. */
const OWN_BYTES = 4096;
const IDLE_MS = 60_000;

export const make = (): Target =>
  simple({
    form: "packets",
    maxBytes: 160 * 1024,
    check,
  });

async function check(input: Uint8Array): Promise<boolean> {
  const told: Uint8Array[] = [];
  let bytes = 0;
  let closed = 0;
  const failure = await joinLive(
    {
      readable: ReadableStream.from(REQUESTS),
      writable: new WritableStream({
        write: (chunk) => {
          told.push(chunk.slice());
          bytes += chunk.length;
        },
      }),
    },
    {
      readable: inPieces(input),
      writable: new WritableStream(),
      peer: "a peer",
      manifest: { manifest: MANIFEST } as unknown as SignedManifest,
      close: () => void closed++,
    },
    { idleMs: IDLE_MS, signal: new AbortController().signal, dropped: () => {} },
  );
  assert.equal(closed, 1);
  assert.ok(bytes <= input.length + OWN_BYTES, "git is told no more than was sent");
  if (failure) assertTyped(failure);
  // Whatever the peer sends, git reads whole packets, and no section that it didn't ask for.
  const reader = new PacketReader(ReadableStream.from(told));
  let atStart = true;
  let inPack = false;
  for (let packet = await reader.next(); packet; packet = await reader.next()) {
    assert.notEqual(packet.kind, "end");
    if (packet.kind === "data" && atStart && !inPack) {
      assert.notEqual(textOf(packet), "shallow-info");
      inPack = textOf(packet) === "packfile";
    }
    atStart = packet.kind !== "data";
    if (packet.kind === "flush") inPack = false;
  }
  return failure === undefined;
}
