import assert from "node:assert/strict";
import { Bans } from "../../../../../lib/transports/torrent/swarm/bans.ts";
import type { PeerAddress } from "../../../../../lib/transports/torrent/swarm/candidates.ts";
import { Dialer } from "../../../../../lib/transports/torrent/swarm/dialer.ts";
import type { SwarmContext } from "../../../../../lib/transports/torrent/swarm/torrent.ts";
import { soon } from "../../../engine/fixture.ts";

/** A dialer whose dials are `connect`; none ever succeeds. */
function dialer(connect: (address: PeerAddress) => Promise<never>): Dialer {
  const swarm = { bans: new Bans(), patience: 10_000, log: () => {}, connect };
  return new Dialer({
    swarm: swarm as unknown as SwarmContext,
    peers: new Set(),
    adopt: () => assert.fail("nobody answers"),
    changed: () => {},
  });
}

Deno.test("dialer: addresses that are silent keep none from being tried", async () => {
  using wait = soon();
  const stop = Promise.withResolvers<never>();
  const last = Promise.withResolvers<void>();
  let dialled = 0;
  const dials = dialer(({ port }) => {
    dialled++;
    if (port === 12) last.resolve();
    return stop.promise;
  });
  for (let port = 1; port <= 12; port++) dials.add({ host: "2001:db8::1", port });
  assert.equal(dialled, 8, "some at once");
  await Promise.race([
    last.promise,
    new Promise((_, reject) => wait.signal.addEventListener("abort", reject)),
  ]);
  assert.equal(dialled, 12);
  dials.close();
  stop.reject(new Error("no answer"));
  await stop.promise.catch(() => {});
});

Deno.test("dialer: not more than thirty at once, however silent", async () => {
  using wait = soon();
  const stop = Promise.withResolvers<never>();
  const all = Promise.withResolvers<void>();
  let dialled = 0;
  const dials = dialer(() => {
    if (++dialled === 30) all.resolve();
    return stop.promise;
  });
  for (let port = 1; port <= 50; port++) dials.add({ host: "2001:db8::1", port });
  await Promise.race([
    all.promise,
    new Promise((_, reject) => wait.signal.addEventListener("abort", reject)),
  ]);
  dials.dial();
  assert.equal(dialled, 30);
  dials.close();
  stop.reject(new Error("no answer"));
  await stop.promise.catch(() => {});
});
