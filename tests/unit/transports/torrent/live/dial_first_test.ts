import assert from "node:assert/strict";
import { GtrError, NetworkError } from "../../../../../lib/common/errors.ts";
import { formatHostPort } from "../../../../../lib/transports/torrent/address.ts";
import { dialFirst } from "../../../../../lib/transports/torrent/live/dial.ts";
import type { LiveStream } from "../../../../../lib/ports/streams.ts";
import { soon } from "../../../engine/fixture.ts";

type Address = { host: string; port: number };

const addresses = (count: number): Address[] =>
  Array.from({ length: count }, (_, n) => ({ host: `2001:db8::${n}`, port: 7 }));

const never = new Promise<void>(() => {});

const streamOf = (peer: string) => ({ peer, close: () => {} }) as unknown as LiveStream;

const silence = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );

Deno.test("live: addresses that are silent keep nobody from being tried, sixteen at once", async () => {
  using wait = soon();
  const all = addresses(10);
  const last = formatHostPort(all.at(-1)!);
  let running = 0;
  let most = 0;
  const dial = async (address: Address, signal: AbortSignal) => {
    most = Math.max(most, ++running);
    try {
      const peer = formatHostPort(address);
      return peer === last ? streamOf(peer) : await silence(signal);
    } finally {
      running--;
    }
  };
  const { peer } = await dialFirst(ReadableStream.from(all), dial, never, wait.signal);
  assert.equal(peer, last);
  assert.equal(most, 10);
});

Deno.test("live: who refuses makes room at once, and the last failure is the answer", async () => {
  using wait = soon();
  const all = Promise.withResolvers<void>();
  let dialled = 0;
  const dial = (address: Address) => {
    if (++dialled === 50) all.resolve();
    return Promise.reject(new NetworkError("no-live-peer", `not at ${address.host}`));
  };
  const peers = ReadableStream.from(addresses(50));
  await assert.rejects(
    dialFirst(peers, dial, all.promise, wait.signal),
    (error) => error instanceof GtrError && /none of 50 peers.*2001:db8::49/.test(error.message),
  );
});
