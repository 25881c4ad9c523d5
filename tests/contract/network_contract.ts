/**
 * What every network must do, written against the ports alone. Each network's own test
 * file runs it with a way to make fresh networks of its kind on loopback.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { GtrError } from "../../lib/common/errors.ts";
import { abortable, deadline } from "../../lib/common/wait.ts";
import type { PublisherKey } from "../../lib/identity/keys.ts";
import { loopClock } from "../unit/common/loop_clock.ts";
import {
  fetchBytes,
  makeManifest,
  makePack,
  publish,
  resolveAll,
  resolveLast,
  testKey,
} from "./publications.ts";
import type { Serving } from "./live_slot.ts";
import type { OpenNetwork } from "../../lib/ports/network.ts";

/** A fresh network on loopback. */
export interface TestNetwork extends AsyncDisposable {
  /** Opens a node of the user with this key, which knows at least one other node of the network. */
  join(
    key: PublisherKey,
    options?: { env?: Record<string, string> },
  ): Promise<OpenNetwork & Serving>;
}

/** What a network can do beside what every one must, and what the tests of it need, for a person. */
const ABILITIES = {
  notices: "a network that tells of news",
  live: "a network with live streams",
  put: "a network that keeps packs without a seeder",
  seeded: "a network where packs go with their seeders",
};
type Ability = keyof typeof ABILITIES;

const DEADLINE_MS = 60_000;
/** For nodes that wait in vain. */
export const HASTY = { env: { GTR_NETWORK_TIMEOUT: "1" } };
/** More than any network keeps without a seeder. */
const LARGE = 300_000;
const SMALL = 10_000;

/**
 * Registers the tests of the contract.
 *
 * @param able what the network can do; tests of what it can't are ignored
 */
export function testNetwork(
  scheme: string,
  makeNetwork: () => Promise<TestNetwork>,
  able: readonly Ability[],
): void {
  const [alice, bob, carol] = [testKey(1), testKey(2), testKey(3)];
  const test = (
    name: string,
    run: (network: TestNetwork, folder: string) => Promise<void>,
    needs?: Ability,
  ) => {
    const ignore = needs !== undefined && !able.includes(needs);
    const reason = ignore ? ` (needs ${ABILITIES[needs]})` : "";
    Deno.test({
      name: `${scheme} contract: ${name}${reason}`,
      ignore,
      fn: async () => {
        const folder = await Deno.makeTempDir();
        try {
          await using network = await makeNetwork();
          await run(network, folder);
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      },
    });
  };

  test("it can do what is tested, and nothing else", async (network) => {
    const node = await network.join(alice);
    assert.equal(node.notices !== undefined, able.includes("notices"));
    assert.equal(node.streams !== undefined, able.includes("live"));
  });

  test("resolving what nobody has ends without a value", async (network) => {
    const node = await network.join(alice);
    assert.equal(node.scheme, scheme);
    assert.deepEqual(await resolveAll(node, { id: bob.id, name: "hello" }), []);
    const address = { id: bob.id, publicKey: bob.publicKeyHex, name: "hello" };
    assert.deepEqual(await resolveAll(node, address), []);
  });

  test("an announced manifest is found by id, by key, and as it was signed", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const signed = makeManifest(alice, a);
    await publish(a, signed, []);
    assert.deepEqual(await resolveLast(b, alice), signed);
    const address = { id: alice.id, publicKey: alice.publicKeyHex, name: "hello" };
    assert.deepEqual((await resolveAll(b, address)).at(-1), signed);
    assert.equal(await resolveLast(b, alice, "other"), undefined);
  });

  test("what was announced before anyone else was there is found", async (network) => {
    const a = await network.join(alice);
    const signed = makeManifest(alice, a);
    await publish(a, signed, []);
    const b = await network.join(bob);
    assert.deepEqual(await resolveLast(b, alice), signed);
  });

  test("a long manifest is found", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const signed = makeManifest(alice, a, { refs: 1000 });
    await publish(a, signed, []);
    assert.deepEqual(await resolveLast(b, alice), signed);
  });

  test("the newer sequence wins", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    for (const [sequence, refs] of [[1, 1], [2, 200], [5, 1], [6, 300]] as const) {
      const signed = makeManifest(alice, a, { sequence, refs });
      await publish(a, signed, []);
      const found = await resolveAll(b, { id: alice.id, name: "hello" });
      assert.deepEqual(found.at(-1), signed);
      const sequences = found.map((s) => s.manifest.sequence);
      assert.deepEqual(sequences, sequences.toSorted((x, y) => x - y));
    }
  });

  test("of announcements at the same time the newest stays", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const all = [300, 2, 1].map((refs, i) => makeManifest(alice, a, { refs, sequence: i + 1 }));
    await Promise.all([all[0]!, all[2]!, all[1]!].map((signed) => publish(a, signed, [])));
    assert.deepEqual(await resolveLast(b, alice), all[2]);
    assert.deepEqual(await resolveLast(a, alice), all[2]);
  });

  test("repositories of one publisher don't mix", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    for (const name of ["one", "two"]) await publish(a, makeManifest(alice, a, { name }), []);
    assert.equal((await resolveLast(b, alice, "one"))?.manifest.name, "one");
    assert.equal((await resolveLast(b, alice, "two"))?.manifest.name, "two");
  });

  test("a pack is fetched, with progress in bytes", async (network, folder) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const file = await makePack(folder, LARGE);
    const signed = makeManifest(alice, a, { packs: [file.pack] });
    await publish(a, signed, [file]);
    const steps: number[] = [];
    using limit = deadline(DEADLINE_MS, "a pack");
    const into = join(folder, "into");
    await b.packs!.fetch(file.pack, signed, into, {
      signal: limit.signal,
      progress: (done, total) => {
        steps.push(done);
        assert.equal(total, LARGE);
      },
    });
    assert.deepEqual(await Deno.readFile(into), await Deno.readFile(file.path));
    assert.deepEqual(steps, steps.toSorted((x, y) => x - y));
    assert.equal(steps.at(-1), LARGE);
  });

  test("a fetch resumes what is there, right or wrong", async (network, folder) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const file = await makePack(folder, LARGE);
    const signed = makeManifest(alice, a, { packs: [file.pack] });
    await publish(a, signed, [file]);
    const whole = await Deno.readFile(file.path);
    const into = join(folder, "into");
    for (
      const part of [whole.slice(0, LARGE / 2), randomBytes(LARGE / 2), randomBytes(2 * LARGE)]
    ) {
      await Deno.writeFile(into, part);
      assert.deepEqual(await fetchBytes(b, file.pack, signed, into), whole);
    }
  });

  test("a peer with a wrong pack is not believed", async (network, folder) => {
    const [a, b, c] = [
      await network.join(alice),
      await network.join(bob),
      await network.join(carol),
    ];
    const file = await makePack(folder, LARGE);
    const signed = makeManifest(alice, a, { packs: [file.pack] });
    const lie = join(folder, "lie");
    await Deno.writeFile(lie, randomBytes(LARGE));
    const lying = publish(a, signed, [{ ...file, path: lie }]);
    if (able.includes("seeded")) await lying;
    else await assert.rejects(lying); // servers look at what they are given
    const hasty = await network.join(carol, HASTY);
    const into = join(folder, "into");
    await assert.rejects(fetchBytes(hasty, file.pack, signed, into), isNobodyAnswered);

    await publish(b, signed, [file]); // an honest one beside the liar
    assert.deepEqual(await fetchBytes(c, file.pack, signed, into), await Deno.readFile(file.path));
  });

  test("nobody answers for a pack that nobody seeds any more", async (network, folder) => {
    const [a, b] = [await network.join(alice), await network.join(bob, HASTY)];
    const file = await makePack(folder, LARGE);
    const signed = makeManifest(alice, a, { packs: [file.pack] });
    for (const seed of await publish(a, signed, [file])) await seed[Symbol.asyncDispose]();
    await assert.rejects(fetchBytes(b, file.pack, signed, join(folder, "into")), isNobodyAnswered);
  }, "seeded");

  test("an abort is honoured promptly", async (network, folder) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const file = await makePack(folder, LARGE);
    const signed = makeManifest(alice, a, { packs: [file.pack] });
    const stop = new AbortController();
    const reason = new Error("enough");
    const fetching = b.packs!.fetch(file.pack, signed, join(folder, "into"), {
      signal: stop.signal,
    });
    using clock = loopClock();
    stop.abort(reason);
    await assert.rejects(fetching, (error) => error === reason);
    const resolving = b.records!.resolve({ scheme, id: alice.id, name: "hello" }, {
      signal: stop.signal,
    });
    await assert.rejects(Array.fromAsync(resolving), (error) => error === reason);
    await assert.rejects(
      a.records!.publish(signed, [], { signal: stop.signal }),
      (e) => e === reason,
    );
    assert.ok(clock.ms < 2000, `${clock.ms} ms`);
  });

  test("a forged manifest is not found", async (network) => {
    const [a, b, c] = [
      await network.join(alice),
      await network.join(bob),
      await network.join(carol),
    ];
    const signed = makeManifest(alice, a);
    await publish(a, signed, []);
    const forged = { ...makeManifest(alice, a, { sequence: 9 }), signature: new Uint8Array(64) };
    await publish(b, forged, []);
    const others = makeManifest(bob, b, { sequence: 9 });
    await publish(
      b,
      { ...others, manifest: { ...others.manifest, publisher: alice.publicKeyHex } },
      [],
    );
    assert.deepEqual(await resolveAll(c, { id: alice.id, name: "hello" }), [signed]);
  });

  test(
    "a follower keeps a repository available when its publisher has gone",
    async (network, folder) => {
      await network.join(carol);
      const [a, b] = [await network.join(alice), await network.join(bob)];
      const file = await makePack(folder, LARGE);
      for (const refs of [1, 500]) {
        const signed = makeManifest(alice, a, { packs: [file.pack], refs, sequence: refs });
        await publish(a, signed, [file]);
        const found = await resolveLast(b, alice);
        assert.ok(found);
        const copy = join(folder, `copy-${refs}`);
        await fetchBytes(b, file.pack, found, copy);
        await publish(b, found, [{ pack: file.pack, path: copy }]);
      }
      await a[Symbol.asyncDispose]();

      const c = await network.join(carol);
      const again = await resolveLast(c, alice);
      assert.equal(again?.manifest.sequence, 500);
      const bytes = await fetchBytes(c, file.pack, again!, join(folder, "into"));
      assert.deepEqual(bytes, await Deno.readFile(file.path));
    },
  );

  test("a forgotten repository is announced no more, and others still are", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const [one, two] = ["one", "two"].map((name) => makeManifest(alice, a, { name }));
    await publish(a, one!, []);
    await publish(a, two!, []);
    await a.records!.retract(one!.manifest);
    assert.deepEqual(await resolveLast(b, alice, "two"), two);
  });

  test("who follows hears of each publication, until it has heard enough", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const [first, second, third] = [1, 2, 3].map((sequence) =>
      makeManifest(alice, a, { sequence })
    );
    await publish(a, first!, []);
    const heard: number[] = [];
    let wake = () => {};
    const listener = (sequence: number) => {
      heard.push(sequence);
      wake();
    };
    const until = async (sequence: number) => {
      using limit = deadline(DEADLINE_MS, `a notice of publication ${sequence}`);
      while (!heard.includes(sequence)) {
        const next = new Promise<void>((resolve) => wake = resolve);
        await abortable(next, limit.signal);
      }
    };
    const watch = b.notices!.watch(first!.manifest, listener);
    await until(1);
    await publish(a, second!, []);
    await until(2);
    watch[Symbol.dispose]();
    using _other = b.notices!.watch(first!.manifest, (sequence) => sequence === 3 && wake());
    const told = new Promise<void>((resolve) => wake = resolve);
    await publish(a, third!, []);
    using limit = deadline(DEADLINE_MS, "the other listener");
    await abortable(told, limit.signal);
    assert.ok(!heard.includes(3));
  }, "notices");

  test("a node says how it is and where it is", async (network) => {
    const [a] = [await network.join(alice), await network.join(bob)];
    using limit = deadline(DEADLINE_MS, "health");
    const own = Object.keys((await a.health.now(limit)).details);
    const { reachable, summary, details } = await a.health.probe(limit);
    assert.equal(reachable, true);
    assert.ok(summary.length > 0 && Object.keys(details).length > 0);
    // Where others join a new network, for one: nobody else has to be asked for that.
    const addresses = ["dht", "listen", "key"].filter((name) => Object.hasOwn(details, name));
    for (const name of addresses) assert.ok(own.includes(name), `${name} is told at once`);
    await a.health.measured(limit);
    const reach = a.health.reach();
    assert.ok(reach === undefined || reach.summary.length > 0);
    assert.equal(a.packs!.peers(makeManifest(alice, a).manifest), 0);
  });

  test("what is served live is found and dialled, and ends with its node", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    const held = makeManifest(alice, a, { sequence: 2 });
    const asked: string[] = [];
    a.serve(({ publisher, name }) => {
      asked.push(`${publisher}/${name}`);
      if (name !== "hello") return Promise.resolve(undefined);
      return Promise.resolve({
        manifest: held,
        // As upload-pack does: first what it can, then an answer to each request, here its echo.
        open: (_signal, form) => {
          const echo = new TransformStream<Uint8Array, Uint8Array>({
            start(controller) {
              const greets = form?.stateless !== "exchange";
              if (greets) controller.enqueue(new TextEncoder().encode("000eversion 2\n0000"));
            },
          });
          return Promise.resolve(echo);
        },
      });
    });
    await publish(a, held, []);
    using limit = deadline(DEADLINE_MS, "a live stream");
    const stream = await b.streams!.dial(makeManifest(alice, a), limit); // the peer has a newer one
    assert.deepEqual(stream.manifest, held);
    assert.deepEqual([...new Set(asked)], [`${alice.publicKeyHex}/hello`]);
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    let said = "000eversion 2\n0000";
    let heard = "";
    for (const words of ["to and fro", "again"]) {
      const request = `${(words.length + 4).toString(16).padStart(4, "0")}${words}0000`;
      said += request;
      // Whoever asks may wait until that has gone before the answer is read.
      using sent = deadline(DEADLINE_MS, "the request to go");
      await abortable(writer.write(new TextEncoder().encode(request)), sent.signal);
      while (heard.length < said.length) {
        heard += new TextDecoder().decode((await reader.read()).value);
      }
    }
    assert.equal(heard, said);
    await a[Symbol.asyncDispose]();
    const end = await reader.read().catch(() => ({ done: true }));
    assert.equal(end.done, true);
    stream.close();
  }, "live");

  test("what nobody serves live is not waited for", async (network) => {
    const [a, b] = [await network.join(alice), await network.join(bob)];
    a.serve(() =>
      Promise.resolve({
        manifest: makeManifest(alice, a),
        open: () => Promise.reject(new Error("nobody may get here")),
      })
    );
    await publish(a, makeManifest(alice, a), []);
    using limit = deadline(DEADLINE_MS, "a live stream");
    for (const wanted of [makeManifest(alice, a, { sequence: 2 }), makeManifest(carol, b)]) {
      await assert.rejects(
        b.streams!.dial(wanted, limit),
        (error) => error instanceof GtrError && error.code === "no-live-peer",
      );
    }
    const stop = new AbortController();
    const reason = new Error("enough");
    const dialling = b.streams!.dial(makeManifest(carol, b, { name: "none" }), {
      signal: stop.signal,
    });
    stop.abort(reason);
    await assert.rejects(dialling, (error) => error === reason);
  }, "live");

  test("small packs stay available without any seeder", async (network, folder) => {
    await network.join(carol);
    const a = await network.join(alice);
    for (const refs of [1, 100]) {
      const file = await makePack(folder, SMALL);
      const signed = makeManifest(alice, a, { packs: [file.pack], refs, sequence: refs });
      const seeds = await publish(a, signed, [file]);
      if (refs === 1) {
        for (const seed of seeds) await seed[Symbol.asyncDispose]();
      } else {
        await a[Symbol.asyncDispose]();
      }
      const b = await network.join(bob);
      const found = await resolveLast(b, alice);
      assert.deepEqual(found, signed);
      const bytes = await fetchBytes(b, file.pack, found!, join(folder, `into-${refs}`));
      assert.deepEqual(bytes, await Deno.readFile(file.path));
    }
  }, "put");
}

function isNobodyAnswered(error: unknown): boolean {
  return error instanceof GtrError && error.code === "nobody-answered";
}
