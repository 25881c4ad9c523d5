/** The signature of a stored manifest is checked once for each publication, whatever asks for it. */
import assert from "node:assert/strict";
import { publishShared } from "../../../lib/engine/publish/publish_shared.ts";
import { syncRepository } from "../../../lib/engine/fetch/sync.ts";
import { verifySignature } from "../../../lib/identity/keys.ts";
import type { VerifySignature } from "../../../lib/manifest/manifest.ts";
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
