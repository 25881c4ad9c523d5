/** The signature of a manifest is checked once for each publication, whoever brings or asks for it. */
import assert from "node:assert/strict";
import { manifestOpener, rememberVerified } from "../../../lib/engine/open_manifest.ts";
import { publishShared } from "../../../lib/engine/publish/publish_shared.ts";
import { syncRepository } from "../../../lib/engine/fetch/sync.ts";
import { keyFromSeed, verifySignature } from "../../../lib/identity/keys.ts";
import { signManifest, type VerifySignature } from "../../../lib/manifest/manifest.ts";
import { manifest } from "../manifest/fixture.ts";
import { emptyCommit, makeParts, sharedRepository, soon, tempDir } from "./fixture.ts";
import { MemoryNetwork, MemoryNode } from "./memory_network.ts";

function counting() {
  const counted = { checks: 0 };
  const verify: VerifySignature = (...args) => {
    counted.checks++;
    return verifySignature(...args);
  };
  return { counted, verify };
}

Deno.test("a publication's signature is checked once by who publishes it and by who stores it", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const [ours, theirs] = [counting(), counting()];
  const publisher = await makeParts(temp.path, [new MemoryNode(network)], {
    seed: 1,
    verify: ours.verify,
  });
  const reader = await makeParts(temp.path, [new MemoryNode(network)], {
    seed: 2,
    verify: theirs.verify,
  });
  const { path, gitDir } = await sharedRepository(temp.path, publisher.home);
  const address = { scheme: "torrent", id: publisher.key.id, name: "hello" };
  let parent: string | undefined;
  for (let n = 1; n <= 12; n++) {
    parent = await emptyCommit(path, { parent, branch: "main" });
    using wait = soon();
    await publishShared(publisher, gitDir, wait);
    assert.equal(ours.counted.checks, n, "the publisher");
    const { repository } = await syncRepository(reader, address, wait);
    await reader.seeder.offer(repository);
    await repository.heldTips();
    assert.equal(theirs.counted.checks, n, "the reader");
  }
  for (const { seeder } of [publisher, reader]) await seeder[Symbol.asyncDispose]();
});

Deno.test("a clone that hears of a publication by two networks checks its signature once", async () => {
  await using temp = await tempDir();
  const worlds = ["torrent", "nostr"].map((scheme) => ({ scheme, network: new MemoryNetwork() }));
  const publisher = await makeParts(
    temp.path,
    worlds.map(({ scheme, network }) => new MemoryNode(network, scheme)),
  );
  const { path, gitDir } = await sharedRepository(temp.path, publisher.home);
  await emptyCommit(path, { branch: "main" });
  using wait = soon();
  await publishShared(publisher, gitDir, wait);

  const { counted, verify } = counting();
  const once = rememberVerified(verify);
  const opened: string[] = [];
  const nodes = worlds.map(({ scheme, network }) =>
    new MemoryNode(network, scheme, (envelope, expected) => {
      opened.push(scheme);
      return manifestOpener(once)(envelope, expected);
    })
  );
  const reader = await makeParts(temp.path, nodes, { seed: 2, verify: once });
  const address = { scheme: "torrent", id: publisher.key.id, name: "hello" };
  const { repository } = await syncRepository(reader, address, wait);
  assert.ok(await repository.isWhole());
  assert.deepEqual(opened.sort(), ["nostr", "torrent"]);
  assert.equal(counted.checks, 1);
  for (const { seeder } of [publisher, reader]) await seeder[Symbol.asyncDispose]();
});

Deno.test("what was verified once is still held to what is expected, and a wrong signature is not remembered", () => {
  const { counted, verify } = counting();
  const open = manifestOpener(rememberVerified(verify));
  const key = keyFromSeed(new Uint8Array(32).fill(1));
  const signed = signManifest(manifest({ publisher: key.publicKeyHex, name: "hello" }), key);
  assert.deepEqual(open(signed, { id: key.id, name: "hello" }), signed);
  assert.throws(() => open(signed, { name: "other" }), { code: "wrong-name" });
  assert.throws(() => open(signed, { id: "0".repeat(40) }), { code: "wrong-key" });
  assert.equal(counted.checks, 1);
  const forged = { ...signed, signature: signed.signature.with(0, signed.signature[0]! ^ 1) };
  for (const checks of [2, 3]) {
    assert.throws(() => open(forged, {}), { code: "bad-signature" });
    assert.equal(counted.checks, checks);
  }
});

Deno.test("of verified signatures the ones used last are remembered", () => {
  let checks = 0;
  const verify = rememberVerified(() => ++checks > 0);
  const check = (n: number) =>
    verify(new Uint8Array(32), Uint8Array.of(n >> 8, n), new Uint8Array(64));
  for (let n = 0; n < 1000; n++) check(n);
  check(0);
  assert.equal(checks, 1000);
  check(1000); // takes the place of 1
  check(0);
  assert.equal(checks, 1001);
  check(1);
  assert.equal(checks, 1002);
});
