/** Peers' messages (BEP 3), and extensions (BEP 10): ut_metadata, ut_pex, gtr_notice. */
import assert from "node:assert/strict";
// @ts-types="../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { fetchMetadata, serveMetadata } from "../../../lib/transports/torrent/swarm/extensions.ts";
import { infohashOf } from "../../../lib/transports/torrent/swarm/metainfo.ts";
import { exchangeNotices } from "../../../lib/transports/torrent/swarm/notice.ts";
import { exchangePeers } from "../../../lib/transports/torrent/swarm/pex.ts";
import { PeerWire } from "../../../lib/transports/torrent/swarm/wire.ts";
import { inPieces, simple, type Target } from "../target.ts";
import { FakeSocket } from "./fake_socket.ts";

/** Of which the seeds' handshakes are. */
const INFO = bencode.encode({
  length: 40_000,
  name: "x.pack",
  "piece length": 16_384,
  pieces: new Uint8Array(60),
});
const INFOHASH = infohashOf(INFO);
const PEER_ID = "2d47543030303030303030303030303030303030";
/** What a connection may hold of what isn't a whole message yet. */
const MAX_HELD = 256 * 1024 + 64 * 1024;
const MAX_METADATA = 4096;
/** Addresses of one message that are taken. */
const MAX_FOUND = 100;
export const make = (): Target =>
  simple({
    form: "bencode",
    maxBytes: 320 * 1024,
    check,
  });

async function check(input: Uint8Array): Promise<boolean> {
  const [serving, fetching] = [await talk(input, false), await talk(input, true)];
  return serving || fetching;
}

/** One connection, on which we serve the metadata or ask for them; whether the handshake was right. */
async function talk(input: Uint8Array, outgoing: boolean): Promise<boolean> {
  const fake = new FakeSocket();
  const reasons: string[] = [];
  const wire = new PeerWire(fake.socket, outgoing, (reason) => reasons.push(reason));
  let greeted = false;
  let found = 0;
  const extend = () => {
    if (outgoing) {
      fetchMetadata(wire, {
        infohash: INFOHASH,
        maxBytes: MAX_METADATA,
        received: (info) => assert.equal(infohashOf(info), INFOHASH),
        lied: () => wire.close("lied"),
      });
    } else serveMetadata(wire, INFO);
    const pex = exchangePeers(wire, {
      found: () => void found++,
      dropped: (reason) => reasons.push(reason),
    });
    wire.onClose(() => pex.stop());
    exchangeNotices(wire, () => 7, (sequence) => assert.ok(Number.isSafeInteger(sequence)));
    wire.protocol.handshake(INFOHASH, PEER_ID, { dht: true, fast: false });
  };
  wire.protocol.on("crypto-infohash", () => wire.protocol.setInfoHash(INFOHASH));
  wire.protocol.on("handshake", (infohash) => {
    if (infohash !== INFOHASH) return wire.close("unknown-infohash");
    greeted = true;
    if (!outgoing) extend();
  });
  if (outgoing) extend();
  try {
    const protocol = wire.protocol as unknown as { readonly _bufferSize: number };
    for await (const piece of inPieces(input)) {
      found = 0;
      fake.say(piece);
      await turn();
      assert.ok(found <= MAX_FOUND * (1 + piece.length / 10), "addresses");
      assert.ok(protocol._bufferSize <= MAX_HELD, `${protocol._bufferSize} bytes held`);
      if (wire.closed) break;
    }
    assert.ok(reasons.length < 5000);
  } finally {
    wire.close();
  }
  return greeted;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
