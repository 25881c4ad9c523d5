/** The info dictionary from one peer: what is accepted, and how often is asked. */
import assert from "node:assert/strict";
import {
  fetchMetadata,
  serveMetadata,
} from "../../../../../lib/transports/torrent/swarm/extensions.ts";
import { concat, makeTorrent } from "./fixture.ts";
import { type End, withPair } from "./wire_pair.ts";

const TORRENT = makeTorrent(50_000);
const OTHER = makeTorrent(50_000);

interface Fetched {
  readonly received: Uint8Array[];
  readonly lies: number;
  /** Says that the dictionary is known. */
  readonly known: (info: Uint8Array) => void;
}

/** Asks one peer that `serve` prepares, and answers once it has sent something or lied. */
async function fetched(
  serve: (end: End) => void,
  maxBytes: number,
  then: (fetched: Fetched, near: End, far: End) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const received: Uint8Array[] = [];
  let lies = 0;
  const done = Promise.withResolvers<void>();
  let known = (_: Uint8Array) => {};
  await withPair({
    infohash: TORRENT.infohash,
    far: serve,
    near: ({ wire }) => {
      known = fetchMetadata(wire, {
        infohash: TORRENT.infohash,
        maxBytes,
        received: (info) => {
          received.push(info.slice());
          done.resolve();
        },
        lied: () => {
          lies++;
          done.resolve();
        },
      });
    },
  }, async (near, far) => {
    await done.promise;
    await then({ received, lies, known }, near, far);
  });
}

Deno.test("metadata: the dictionary is had from a peer that serves it, if it is no larger than expected", async () => {
  const { info } = TORRENT;
  const serve = ({ wire }: End) => serveMetadata(wire, info);
  await fetched(serve, info.length, ({ received, lies }) => {
    assert.deepEqual([received, lies], [[info], 0]);
    return Promise.resolve();
  });
  await fetched(serve, info.length - 1, ({ received, lies }) => {
    assert.deepEqual([received, lies], [[], 1]);
    return Promise.resolve();
  });
});

Deno.test("metadata: another dictionary is a lie, and the peer isn't asked again", async () => {
  let asked = 0;
  await fetched(
    (end) => {
      serveMetadata(end.wire, OTHER.info);
      end.wire.protocol.on("extended", (name) => {
        if (name !== "handshake") asked++;
      });
    },
    10_000,
    async ({ received, lies }, near, far) => {
      const had = new Promise<void>((resolve) => far.wire.protocol.on("have", () => resolve()));
      near.wire.protocol.have(1);
      await had;
      assert.deepEqual([received, lies, asked], [[], 1, 1]);
    },
  );
});

Deno.test("metadata: once it is known, the peer is told its size, and is asked for nothing more", async () => {
  const { info } = TORRENT;
  await fetched(
    ({ wire }) => serveMetadata(wire, info),
    info.length,
    async ({ known }, _near, far) => {
      const size = new Promise<unknown>((resolve) =>
        far.wire.protocol.on("extended", (name) => {
          const told = far.wire.protocol.peerExtendedHandshake["metadata_size"];
          if (name === "handshake" && told) resolve(told);
        })
      );
      known(info);
      assert.equal(await size, info.length);
    },
  );
});

Deno.test("metadata: a message whose header is not in ASCII is passed over", async () => {
  const { info } = TORRENT;
  let isFirst = true;
  class Odd {
    constructor(readonly wire: End["wire"]["protocol"]) {
      wire.extendedHandshake["metadata_size"] = info.length;
    }
    onMessage(): void {
      const head = `e8:msg_typei1e5:piecei0e10:total_sizei${info.length}ee`;
      if (isFirst) {
        const odd = concat("d1:", Uint8Array.of(0xe9), "i0", head, OTHER.info);
        this.wire.extended("ut_metadata", odd);
      }
      isFirst = false;
      this.wire.extended("ut_metadata", concat("d", head.slice(1), info));
    }
  }
  Object.defineProperty(Odd.prototype, "name", { value: "ut_metadata" });
  await fetched(
    ({ wire }) => wire.protocol.use(Odd),
    info.length,
    ({ received, lies }) => {
      assert.deepEqual([received, lies], [[info], 0]);
      return Promise.resolve();
    },
  );
});
