import assert from "node:assert/strict";
import { Duplex } from "streamx";
import { noiseStreams } from "../../../../lib/transports/holepunch/noise_streams.ts";
import type { NoiseStream } from "../../../../lib/types/hyperdht.d.ts";

/** A stream to whose reader a peer sends messages of this length, as long as it takes them. */
class Flood extends Duplex {
  sent = 0;

  constructor(readonly length: number) {
    super();
  }

  override _read(done: (error: Error | null) => void): void {
    this.sent++;
    this.push(new Uint8Array(this.length));
    done(null);
  }
}

for (const [length, most] of [[1, 1100], [1000, 270], [60_000, 8]] as const) {
  Deno.test(`noise streams: of messages of ${length} bytes few are held unread`, async () => {
    const stream = new Flood(length);
    const { readable } = noiseStreams(stream as unknown as NoiseStream);
    let before = -1;
    while (stream.sent !== before) { // until it takes no more
      before = stream.sent;
      await new Promise((resolve) => setImmediate(resolve));
    }
    // What streamx itself reads ahead comes on top.
    const ahead = Math.ceil(16_384 / length) + 2;
    assert.ok(stream.sent <= most + ahead, `${stream.sent} messages are held`);
    const reader = readable.getReader();
    for (let i = 0; i < 3000; i++) assert.equal((await reader.read()).value?.length, length);
    await reader.cancel();
  });
}
