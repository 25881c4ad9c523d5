import assert from "node:assert/strict";
import { NetworkError, RequestError } from "../../../../lib/common/errors.ts";
import { sleep } from "../../../../lib/common/wait.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { resolveNewest } from "../../../../lib/engine/fetch/resolve.ts";
import type { RepoAddress } from "../../../../lib/identity/address.ts";
import { keyFromSeed } from "../../../../lib/identity/keys.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import type { SignedManifest } from "../../../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../../../lib/ports/network.ts";
import type { ResolveWait } from "../../../../lib/ports/records.ts";
import { loopClock } from "../../common/loop_clock.ts";
import { manifest as anyManifest } from "../../manifest/fixture.ts";
import { HASTY, makeParts, soon, tempDir } from "../fixture.ts";
import { MemoryNode, silence, transport } from "../memory_network.ts";

/** Longer than the test may take: then nothing has waited for it. */
const PATIENT = { GTR_NETWORK_TIMEOUT: "3600" };
const publisher = keyFromSeed(new Uint8Array(32).fill(9));
const address: RepoAddress = { scheme: "torrent", id: publisher.id, name: "hello" };

function publication(sequence: number, changes: Record<string, unknown> = {}): SignedManifest {
  const manifest = anyManifest({
    publisher: publisher.publicKeyHex,
    sequence,
    packs: [],
    refs: {},
    endpoints: {},
    ...changes,
  });
  return signManifest(manifest, publisher);
}

/** Stores a publication of the publisher as one that was followed. */
async function followed(parts: EngineParts, signed: SignedManifest) {
  const repository = parts.store.repository(publisher.publicKeyHex, signed.manifest.name);
  using wait = soon();
  await repository.accept(signed, [], { ...wait, strict: false });
  return repository;
}

const answering = (scheme: string, ...manifests: SignedManifest[]) =>
  transport(scheme, {
    async *resolve() {
      for (const signed of manifests) yield await Promise.resolve(signed);
    },
  });
const dead = (scheme: string, error: Error = new NetworkError("unreachable", "no node answers")) =>
  transport(scheme, {
    async *resolve() {
      yield* await Promise.reject<SignedManifest[]>(error);
    },
  });
const silent = (scheme: string) =>
  transport(scheme, {
    async *resolve(_address, wait) {
      yield await silence(wait);
    },
  });

async function resolve(networks: readonly OpenNetwork[], options: {
  known?: SignedManifest;
  seed?: number;
  env?: Record<string, string>;
} = {}) {
  await using temp = await tempDir();
  const parts = await makeParts(temp.path, networks, options);
  if (options.known) await followed(parts, options.known);
  using wait = soon();
  using clock = loopClock();
  const result = await resolveNewest(parts, address, wait).catch((error) => error);
  const { ms } = clock;
  return { result, parts, ms, sequence: result?.signed?.manifest.sequence };
}

Deno.test("the highest sequence number of all networks wins, whoever is first", async () => {
  const slow = transport("slow", {
    async *resolve(_address, wait) {
      yield publication(5);
      await sleep(50, wait.signal);
      yield publication(8);
    },
  });
  const { sequence, result } = await resolve([answering("fast", publication(7)), slow]);
  assert.equal(sequence, 8);
  assert.deepEqual(
    [result.publisher, result.own, result.warning],
    [publisher.publicKeyHex, false, undefined],
  );
});

Deno.test("a network that never ends holds the others back for a moment only", async () => {
  const networks = [silent("silent"), answering("fast", publication(7))];
  const { sequence, ms } = await resolve(networks, { env: PATIENT });
  assert.equal(sequence, 7);
  assert.ok(ms < 4000, `it took ${ms} ms`); // less than where no network has said all that it knows
});

Deno.test("a network that ignores its signal is left behind", async () => {
  const { promise: never } = Promise.withResolvers<SignedManifest>();
  const deaf = transport("deaf", {
    async *resolve() {
      yield await never;
    },
  });
  const { sequence } = await resolve([deaf, answering("fast", publication(7))]);
  assert.equal(sequence, 7);
  assert.equal((await resolve([deaf], { env: HASTY })).result.code, "nobody-answered");
});

Deno.test("that one network knows nothing doesn't cut another off that is still answering", async () => {
  const thorough = transport("thorough", {
    async *resolve(_address, wait) {
      yield publication(5);
      await sleep(650, wait.signal);
      yield publication(6);
    },
  });
  const { sequence } = await resolve([thorough, new MemoryNode()], { env: PATIENT });
  assert.equal(sequence, 6);
});

Deno.test("a network that fails or breaks is made up for by another", async () => {
  const broken = dead("broken", new TypeError("undefined is not a function"));
  const { sequence } = await resolve([
    dead("dead"),
    broken,
    answering("good", publication(7)),
  ]);
  assert.equal(sequence, 7);
  const { result } = await resolve([broken]);
  assert.match(result.message, /can't find torrent:.*: undefined is not a function/);
});

Deno.test("once there is a manifest, no network is waited for that goes on for ever", async () => {
  const endless = transport("endless", {
    async *resolve(_address, wait) {
      yield publication(5);
      yield await silence(wait);
    },
  });
  await using temp = await tempDir();
  const parts = await makeParts(temp.path, [silent("silent"), endless], { env: PATIENT });
  using wait = soon();
  const { signed, answered } = await resolveNewest(parts, address, wait);
  assert.deepEqual([signed.manifest.sequence, answered], [5, ["endless"]]);
});

Deno.test("networks hear where the publisher was, by what is here already", async () => {
  const heard: unknown[] = [];
  const hearing = transport("hearing", {
    async *resolve(_address, { known }: ResolveWait) {
      heard.push(known);
      yield await Promise.resolve(publication(8));
    },
  });
  await resolve([hearing]);
  await resolve([hearing], {
    known: publication(7, { endpoints: { hearing: ["h:1"], x: ["y"] } }),
  });
  assert.deepEqual(heard, [[], ["h:1"]]);
});

Deno.test("a manifest of another publisher or name is dropped and counted", async () => {
  const other = keyFromSeed(new Uint8Array(32).fill(3));
  const forged = signManifest(anyManifest({ publisher: other.publicKeyHex, sequence: 99 }), other);
  const renamed = publication(98, { name: "other" });
  const lying = answering("lying", forged, renamed);
  const { sequence, parts } = await resolve([lying, answering("good", publication(7))]);
  assert.equal(sequence, 7);
  assert.deepEqual(parts.dropped.toJSON(), { "wrong-manifest": 2 });
  assert.equal((await resolve([lying])).result.code, "nobody-answered");
});

Deno.test("who is told of nothing hears why", async () => {
  const idle = transport("idle", {
    // deno-lint-ignore require-yield -- it has nobody to ask
    resolve: async function* (_address, wait) {
      wait.idle?.();
    },
  });
  const cases: [readonly OpenNetwork[], string, RegExp][] = [
    [[new MemoryNode()], "nobody-answered", /nobody on torrent knows it/],
    [
      [silent("a"), new MemoryNode()],
      "nobody-answered",
      /: a: no answer in time; torrent: nobody knows it/,
    ],
    [
      [new MemoryNode(), dead("dead")],
      "unreachable",
      /: torrent: nobody knows it; dead: no node answers/,
    ],
    [
      [new MemoryNode(), idle],
      "nobody-answered",
      /: nobody on torrent knows it$/,
    ],
    [[silent("a")], "nobody-answered", /: no answer in time/],
    [[dead("a", new NetworkError("odd", "it is odd"))], "odd", /it is odd/],
    [[], "no-transport", /no network is enabled/],
  ];
  for (const [networks, code, message] of cases) {
    const { result, ms } = await resolve(networks, { env: HASTY });
    assert.ok(result instanceof NetworkError, String(result));
    assert.equal(result.code, code);
    assert.match(result.message, message);
    assert.ok(ms < 2000);
  }
});

Deno.test("one's own address needs no network, and one never published says so", async () => {
  await using temp = await tempDir();
  const parts = await makeParts(temp.path, [dead("dead")], { seed: 9 });
  using wait = soon();
  await assert.rejects(
    resolveNewest(parts, address, wait),
    (error) => error instanceof RequestError && error.code === "not-published",
  );
  await followed(parts, publication(4));
  const { signed, own } = await resolveNewest(parts, address, wait);
  assert.deepEqual([signed.manifest.sequence, own], [4, true]);
});

Deno.test("what was seen stays in force: an older or another manifest of the same number is not used", async () => {
  const known = publication(7);
  const old = await resolve([answering("old", publication(6))], { known });
  assert.deepEqual([old.sequence, old.result.warning], [7, undefined]);
  assert.deepEqual(old.parts.dropped.toJSON(), { "old-manifest": 1 });

  const fork = publication(7, { description: "forked" });
  const forked = await resolve([answering("fork", fork)], { known });
  assert.deepEqual(forked.result.signed.bytes, known.bytes);

  const offline = await resolve([dead("dead")], { known });
  assert.equal(offline.sequence, 7);
  assert.match(offline.result.warning, /nobody answered .* using the copy of 2023-11-14 22:13 UTC/);
  assert.equal((await resolve([answering("new", publication(8))], { known })).sequence, 8);
});

Deno.test("who has an older one than was seen is told so until the newest is there", async () => {
  await using temp = await tempDir();
  let answer = publication(9);
  const network = transport("network", {
    async *resolve() {
      yield await Promise.resolve(answer);
    },
  });
  const parts = await makeParts(temp.path, [network]);
  const repository = await followed(parts, publication(7));
  await repository.writeState({ sequence: 9 });
  using wait = soon();
  for (const sequence of [6, 7, 8]) {
    answer = publication(sequence);
    const { signed, warning } = await resolveNewest(parts, address, wait);
    assert.equal(signed.manifest.sequence, 7);
    assert.match(warning!, /^publication 9 was seen before; .*; using 7, of 2023-11-14 22:13 UTC$/);
  }
  assert.deepEqual(parts.dropped.toJSON(), { "old-manifest": 3 });
  answer = publication(9);
  const { signed, warning } = await resolveNewest(parts, address, wait);
  assert.deepEqual([signed.manifest.sequence, warning], [9, undefined]);
});

Deno.test("a rollback is refused even where the manifest file is lost", async () => {
  await using temp = await tempDir();
  const networks = [answering("old", publication(6))];
  const parts = await makeParts(temp.path, networks);
  const repository = await followed(parts, publication(7));
  await Deno.remove(`${repository.path}/gtr/manifest.json`);
  using wait = soon();
  await assert.rejects(resolveNewest(parts, address, wait), { code: "rolled-back" });
  assert.deepEqual(parts.dropped.toJSON(), { "rolled-back": 1 });
});

Deno.test("the caller's abort ends it with the caller's reason", async () => {
  await using temp = await tempDir();
  const parts = await makeParts(temp.path, [silent("silent")]);
  const controller = new AbortController();
  const result = resolveNewest(parts, address, { signal: controller.signal });
  controller.abort(new Error("the client left"));
  await assert.rejects(result, /the client left/);
});
