/** A publisher of repositories in a network in memory, and readers of them. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { publishState } from "../../../lib/engine/publish/publish.ts";
import type { RepoAddress } from "../../../lib/identity/address.ts";
import { initRepository, objectsOf } from "../git_interface/fixture.ts";
import { emptyCommit, makeParts, soon, tempDir } from "./fixture.ts";
import { MemoryNetwork, MemoryNode } from "./memory_network.ts";

/** A publisher whose repositories have about so many bytes, and readers. */
export async function world() {
  const temp = await tempDir();
  const network = new MemoryNetwork();
  const publisher = await makeParts(temp.path, [new MemoryNode(network)], { seed: 1 });
  const work = await initRepository(join(temp.path, "work"));
  const tips = new Map<string, string>();
  const publish = async (name: string, size: number) => {
    const repository = publisher.store.repository(publisher.key.publicKeyHex, name);
    // Twice as many hex digits: they compress to that.
    const text = randomBytes(size).toString("hex");
    const tip = await emptyCommit(work, { parent: tips.get(name), text });
    tips.set(name, tip);
    using wait = soon();
    await publishState(publisher, repository, {
      refs: { "refs/heads/main": tip },
      head: "refs/heads/main",
      objectFormat: "sha1",
      objectDirs: [objectsOf(work)],
    }, wait);
    await publisher.seeder.offer(repository);
    return (await repository.manifest())!.manifest;
  };
  const address = (name: string): RepoAddress => ({
    scheme: "torrent",
    id: publisher.key.id,
    name,
  });
  let readers = 1;
  return {
    network,
    publisher,
    publish,
    address,
    reader: (env: Record<string, string> = {}, transport = new MemoryNode(network)) =>
      makeParts(temp.path, [transport], { seed: ++readers, env }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}
