/** Records of HyperDHT, against a DHT in memory: what fails, what is too large, and what was there. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
// @ts-types="../../../../lib/types/hyperdht.d.ts"
import HyperDHT from "hyperdht";
import { keyFromSeed, publisherId } from "../../../../lib/identity/keys.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import { Records } from "../../../../lib/transports/holepunch/records.ts";
import type { PackFile } from "../../../../lib/manifest/pack_file.ts";
import { hex, key, manifest } from "../../manifest/fixture.ts";
import { openManifest } from "../../../fixtures/open_manifest.ts";

const signal = AbortSignal.timeout(100_000);
const HELLO = { id: key.id, name: "hello" };
const publicKey = Buffer.from(key.publicKey);
/** Where everybody finds the key of an id. */
const keyPair = HyperDHT.keyPair(
  createHash("sha256").update(`gtr-holepunch-key-v1\0${key.id}`).digest(),
);

interface Stored {
  readonly value: Buffer;
  readonly seq: number;
}

/** Keeps what is put, like nodes that all answer. */
class MemoryDht {
  readonly items = new Map<string, Buffer>();
  readonly records = new Map<string, Stored>();
  /** Public keys of records that were put again as they were found. */
  readonly refreshed: string[] = [];
  isDown = false;

  immutablePut(value: Buffer) {
    if (this.isDown) return Promise.reject(new Error("nobody answers"));
    const hash = createHash("sha256").update(value).digest();
    this.items.set(hash.toString("hex"), Buffer.from(value));
    return Promise.resolve({ hash });
  }

  immutableGet(hash: Buffer) {
    const value = this.items.get(hash.toString("hex"));
    return Promise.resolve(value ? { value } : null);
  }

  mutablePut({ publicKey }: { publicKey: Buffer }, value: Buffer, { seq }: { seq: number }) {
    if (this.isDown) return Promise.reject(new Error("nobody answers"));
    this.records.set(publicKey.toString("hex"), { value: Buffer.from(value), seq });
    return Promise.resolve();
  }

  mutableGet(publicKey: Buffer, options: { refresh?: () => boolean } = {}) {
    const name = publicKey.toString("hex");
    const found = this.records.get(name);
    if (found && options.refresh?.()) this.refreshed.push(name);
    return Promise.resolve(found ?? null);
  }

  /** What somebody's record is. */
  of(publicKey: Uint8Array): Stored | undefined {
    return this.records.get(Buffer.from(publicKey).toString("hex"));
  }

  reader(maxPacks = 10_000, own = key): Records {
    return new Records(this as unknown as HyperDHT, { key: own, openManifest, maxPacks });
  }
}

async function packFile(folder: string, size: number): Promise<PackFile> {
  const bytes = randomBytes(size);
  const path = join(folder, String(size));
  await Deno.writeFile(path, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const pack = { sha256, size, infohash: hex(40, sha256), objects: 1, tips: [hex(40, path)] };
  return { pack, path };
}

const signed = (name: string, files: readonly PackFile[] = []) =>
  signManifest(manifest({ name, packs: files.map(({ pack }) => pack) }), key);

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "gtr-test-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("records: small packs are in the DHT with the manifest, all of them or none", () =>
  inFolder(async (folder) => {
    const files = [await packFile(folder, 3000), await packFile(folder, 2000)];
    const whole = signed("hello", files);
    for (
      const [given, most, isThere] of [
        [files, 5000, true],
        [files, 4999, false],
        [files.slice(0, 1), 5000, false], // one isn't at hand
        [[], 5000, false],
      ] as const
    ) {
      const dht = new MemoryDht();
      await dht.reader(most).publish(whole, given);
      const records = dht.reader();
      assert.deepEqual(await records.manifest(HELLO, signal), whole);
      for (const { pack, path } of files) {
        const found = await records.pack(whole.manifest, pack, signal);
        assert.deepEqual(found, isThere ? Buffer.from(await Deno.readFile(path)) : undefined);
      }
    }
  }));

Deno.test("records: a pack that the manifest doesn't list, or of another size, isn't there", () =>
  inFolder(async (folder) => {
    const file = await packFile(folder, 3000);
    const whole = signed("hello", [file]);
    const dht = new MemoryDht();
    await dht.reader().publish(whole, [file]);
    const records = dht.reader();
    const wrong = [{ ...file.pack, size: 2999 }, { ...file.pack, sha256: hex(64, "another") }];
    for (const pack of wrong) {
      assert.equal(await records.pack(whole.manifest, pack, signal), undefined);
    }
    assert.equal(
      await records.pack(signed("other", [file]).manifest, file.pack, signal),
      undefined,
    );
  }));

Deno.test("records: a manifest that is too large leaves none of an older state behind", async () => {
  const dht = new MemoryDht();
  const records = dht.reader();
  await records.publish(signed("hello"), []);
  await records.publish(signed("other"), []);
  const refs = Object.fromEntries(
    Array.from({ length: 3000 }, (_, i) => [`refs/heads/${i}`, hex(40, String(i))]),
  );
  const large = signManifest(manifest({ refs, head: "refs/heads/0", packs: [] }), key);
  await records.publish(large, []);
  assert.equal(await records.manifest(HELLO, signal), undefined);
  assert.ok(await records.manifest({ ...HELLO, name: "other" }, signal));
});

Deno.test("records: each put has a higher number, also where the record is ahead of this clock", async () => {
  const dht = new MemoryDht();
  const before = Date.now();
  await dht.reader().publish(signed("hello"), []);
  const first = dht.of(publicKey)!.seq;
  assert.ok(first >= before && first <= Date.now());
  const ahead = Date.now() + 1e9;
  dht.records.set(publicKey.toString("hex"), { ...dht.of(publicKey)!, seq: ahead });
  const later = dht.reader();
  await later.publish(signed("one"), []);
  assert.equal(dht.of(publicKey)!.seq, ahead + 1);
  await later.publish(signed("two"), []);
  assert.equal(dht.of(publicKey)!.seq, ahead + 2);
  for (const name of ["hello", "one", "two"]) {
    assert.ok(await later.manifest({ ...HELLO, name }, signal), name);
  }
});

Deno.test("records: what another machine has put stays, however often an older one is kept", async () => {
  const dht = new MemoryDht();
  const [a, b] = [dht.reader(), dht.reader()];
  const at = (name: string, sequence: number) => signManifest(manifest({ name, sequence }), key);
  await a.publish(at("hello", 5), []);
  const { value, seq } = dht.of(publicKey)!;
  dht.records.set(publicKey.toString("hex"), { value, seq: seq + 1000 });
  await b.publish(at("hello", 9), []);
  await b.publish(at("other", 9), []);
  for (let round = 0; round < 3; round++) {
    await a.publish(at("hello", 5), []);
    for (const name of ["hello", "other"]) {
      const there = await dht.reader().manifest({ id: key.id, name }, signal);
      assert.equal(there?.manifest.sequence, 9, `${name} after round ${round}`);
    }
  }
});

Deno.test("records: an index that nobody can read is made anew", async () => {
  const dht = new MemoryDht();
  dht.records.set(publicKey.toString("hex"), { value: Buffer.from("another version"), seq: 5 });
  await assert.rejects(dht.reader().manifest({ ...HELLO, publicKey: key.publicKeyHex }, signal), {
    code: "bad-record",
  });
  await dht.reader().publish(signed("hello"), []);
  assert.ok(await dht.reader().manifest(HELLO, signal));
});

Deno.test("records: where nobody answers, the next try reads again what is there", async () => {
  const dht = new MemoryDht();
  await dht.reader().publish(signed("hello"), []);
  const later = dht.reader();
  dht.isDown = true;
  await assert.rejects(later.publish(signed("one"), []), /nobody answers/);
  dht.isDown = false;
  await dht.reader().publish(signed("two"), []); // by another machine meanwhile
  await later.publish(signed("one"), []);
  for (const name of ["hello", "one", "two"]) {
    assert.ok(await later.manifest({ ...HELLO, name }, signal), name);
  }
});

Deno.test("records: what was never there is not forgotten with a put", async () => {
  const dht = new MemoryDht();
  const records = dht.reader();
  await records.publish(signed("hello"), []);
  const { seq } = dht.of(publicKey)!;
  await records.forget("other");
  assert.equal(dht.of(publicKey)!.seq, seq);
  await records.forget("hello");
  assert.ok(dht.of(publicKey)!.seq > seq);
  assert.equal(await records.manifest(HELLO, signal), undefined);
  assert.equal(await records.manifest({ ...HELLO, name: "toString" }, signal), undefined);
});

Deno.test("records: one repository too many is an error, and those before it stay up to date", async () => {
  const records = new MemoryDht().reader();
  const publish = (name: string) => records.publish(signed(name), []);
  let kept = 0;
  const filling = async () => {
    for (; kept < 1000; kept++) await publish(`repository-${kept}`);
  };
  await assert.rejects(filling(), { code: "too-large" });
  assert.ok(kept >= 300, String(kept));
  await publish("repository-0");
  const find = (i: number) => records.manifest({ ...HELLO, name: `repository-${i}` }, signal);
  assert.ok(await find(0) && await find(kept - 1));
  assert.equal(await find(kept), undefined);
  await records.forget("repository-0");
  await publish(`repository-${kept}`);
  assert.ok(await find(kept));
});

Deno.test("records: others' records are put again only where they are in the DHT", async () => {
  const dht = new MemoryDht();
  const follower = dht.reader(10_000, keyFromSeed(new Uint8Array(32).fill(9)));
  const whole = signed("hello");
  await follower.refresh(whole, []);
  assert.equal(dht.items.size, 0);
  await dht.reader().publish(whole, []);
  const before = dht.of(publicKey);
  dht.items.clear(); // they don't live for ever
  await follower.refresh(whole, []);
  assert.equal(dht.items.size, 0, "the index itself is lost");
  await dht.reader().publish(whole, []);
  const items = new Map(dht.items);
  const index = JSON.parse(dht.of(publicKey)!.value.toString()).index.hash;
  dht.items.clear();
  dht.items.set(index, items.get(index)!);
  await follower.refresh(whole, []);
  assert.deepEqual([...dht.items.keys()].sort(), [...items.keys()].sort());
  assert.ok(dht.refreshed.includes(publicKey.toString("hex")));
  assert.ok(dht.refreshed.includes(keyPair.publicKey.toString("hex")));
  assert.deepEqual(before?.value, dht.of(publicKey)?.value, "signed by the publisher only");
  await follower.refresh(signed("other"), []);
  assert.deepEqual([...dht.items.keys()].sort(), [...items.keys()].sort());
});

Deno.test("records: another key under an id is passed over, and replaced whatever its number", async () => {
  const dht = new MemoryDht();
  const name = keyPair.publicKey.toString("hex");
  for (
    const [value, seq, next] of [
      [randomBytes(32), 7, 8],
      [Buffer.concat([publicKey, Buffer.of(0)]), 2 ** 47, 2 ** 47 + 1],
      [randomBytes(32), 2 ** 48, 2 ** 48],
      [randomBytes(32), Number.MAX_SAFE_INTEGER, 2 ** 48],
    ] as const
  ) {
    dht.records.set(name, { value, seq });
    assert.equal(await dht.reader().manifest(HELLO, signal), undefined);
    await dht.reader().publish(signed("hello"), []);
    assert.deepEqual(dht.records.get(name), { value: publicKey, seq: next });
    assert.ok(await dht.reader().manifest(HELLO, signal));
  }
  assert.equal(publisherId(dht.records.get(name)!.value), key.id);
  await dht.reader().publish(signed("hello"), []);
  assert.equal(dht.records.get(name)!.seq, 2 ** 48, "what is right stays");
});
