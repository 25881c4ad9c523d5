/** Holepunch while HyperDHT is out of reach, and when it is back. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { once } from "node:events";
import { HyperNode } from "../../lib/transports/holepunch/node.ts";
import { Records } from "../../lib/transports/holepunch/records.ts";
import type { OpenHolepunch } from "../../lib/transports/holepunch/network.ts";
import { until } from "../e2e/until.ts";
import HyperDHT from "../../lib/hyperdht/mod.ts";
import { UDX } from "@gtr/udx";
import { HolepunchNetwork, plainNode } from "./holepunch_nodes.ts";
import { makeManifest, publish, testKey } from "./publications.ts";
import { loopClock } from "../unit/common/loop_clock.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

const HOST = "127.0.0.1";
const [alice, bob] = [testKey(1), testKey(2)];
/** How long nodes of the DHT have to answer at the end, where there may be some. */
const FAREWELL_MS = 2_000;
/** Less than that, and as long as can be: machines are slow when they do much at once. */
const AT_ONCE_MS = 1_500;
const ATTEMPTS = 3;
const DEADLINE_MS = 60_000;

/** A UDP port that nobody answers on, until it is freed. */
async function silentPort(): Promise<{ port: number; free: () => Promise<void> }> {
  const socket = dgram.createSocket("udp4");
  socket.bind(0, HOST);
  await once(socket, "listening");
  const free = async () => {
    socket.close();
    await once(socket, "close");
  };
  return { port: socket.address().port, free };
}

const at = (port: number, seconds = 1) => ({
  env: {
    GTR_HOLEPUNCH_BOOTSTRAP: `${HOST}:${port}`,
    GTR_NETWORK_TIMEOUT: String(seconds),
  },
});

/** A HyperDHT that begins at this port. */
const begin = (port: number) =>
  HyperNode.open({ host: HOST, port, bootstrap: [], seed: randomBytes(32) });

/** Of several nodes one has to stop in that time: what the others lost, another program may have taken. */
async function assertStops(
  ms: number,
  begin: () => Promise<AsyncDisposable>,
): Promise<void> {
  const took: number[] = [];
  while (took.length < ATTEMPTS && took.every((each) => each >= ms)) {
    const node = await begin();
    using clock = loopClock();
    await node[Symbol.asyncDispose]();
    took.push(clock.ms);
  }
  assert.ok(took.some((each) => each < ms), `${took.join(", ")} ms`);
}

/** Asks the DHT for something: it notices whether nodes answer. */
async function ask(node: OpenHolepunch, id = alice.id): Promise<number> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const answers = node.records.resolve({ scheme: "holepunch", id, name: "hello" }, { signal });
  return await Array.fromAsync(answers).then(({ length }) => length, () => 0);
}

Deno.test("holepunch: without HyperDHT it stops at once", async (t) => {
  const { port, free } = await silentPort();
  await using network = await HolepunchNetwork.make();
  for (const ms of [0, 3_000]) {
    await t.step(`${ms} ms after it began`, async () => {
      await assertStops(AT_ONCE_MS, async () => {
        const node = await network.join(alice, at(port));
        const signal = AbortSignal.timeout(ms + 100);
        await node.records.publish(makeManifest(alice, node), [], { signal }).catch(() => {});
        return node;
      });
    });
  }
  await free();
});

Deno.test("holepunch: it stops soon where HyperDHT has just gone", async () => {
  const { port, free } = await silentPort();
  await free();
  await using network = await HolepunchNetwork.make();
  await assertStops(FAREWELL_MS + AT_ONCE_MS, async () => {
    const dht = await begin(port);
    const node = await network.join(alice, at(port));
    await publish(node, makeManifest(alice, node), []);
    await dht[Symbol.asyncDispose]();
    return node;
  });
});

Deno.test("holepunch: when HyperDHT is back, what is here is announced at once", async (t) => {
  for (const wasThere of [false, true]) {
    await t.step(
      wasThere ? "after it was away" : "after it wasn't there at the start",
      async () => {
        const { port, free } = await silentPort();
        await using network = await HolepunchNetwork.make();
        if (wasThere) await free();
        const before = wasThere ? await begin(port) : undefined;
        const a = await network.join(alice, at(port, 20));
        const signal = AbortSignal.timeout(DEADLINE_MS);
        await a.records.publish(makeManifest(alice, a), [], { signal }).catch(() => {});
        if (before) await before[Symbol.asyncDispose]();
        else await free();
        await ask(a, bob.id);
        await using dht = await begin(port);
        const b = await network.join(bob, at(port, 20));
        await until("it is found", async () => {
          await ask(a, bob.id); // what a slow machine answers too late it asks again
          return await ask(b) > 0;
        });
        const records = new Records(dht.dht, { key: bob, openManifest, maxPacks: 0 });
        const wanted = { id: alice.id, name: "hello" };
        const isKept = () => records.manifest(wanted, AbortSignal.timeout(DEADLINE_MS));
        if (!wasThere) await until("it is kept there", async () => await isKept() !== undefined);
        await Promise.all([a, b].map((node) => node[Symbol.asyncDispose]()));
      },
    );
  }
});

Deno.test("holepunch: a start without HyperDHT doesn't lose what is kept there", async () => {
  const { port, free } = await silentPort();
  await using network = await HolepunchNetwork.make();
  await using before = await plainNode(network);
  const nowhere = { scheme: "holepunch", endpoints: () => [] };
  const [one, two] = ["one", "two"].map((name) => makeManifest(alice, nowhere, { name }));
  await new Records(before.dht, { key: alice, openManifest, maxPacks: 0 }).publish(one!, []);

  const udx = new UDX();
  const dht = new HyperDHT({ udx, host: HOST, bootstrap: [{ host: HOST, port }] });
  const records = new Records(dht, { key: alice, openManifest, maxPacks: 0 });
  await assert.rejects(records.publish(two!, []));
  await free();
  const [host, first] = network.bootstrap.split(":");
  const gate = new HyperDHT({
    udx: new UDX(),
    host: HOST,
    port,
    bootstrap: [{ host: host!, port: Number(first) }],
    ephemeral: false,
    firewalled: false,
  });
  await gate.fullyBootstrapped();
  await records.publish(two!, []);
  for (const name of ["one", "two"]) {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    assert.ok(await records.manifest({ id: alice.id, name }, signal), name);
  }
  for (const node of [dht, gate]) await node.destroy();
});
