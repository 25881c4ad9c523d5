import assert from "node:assert/strict";
import { join } from "node:path";
import { repositoryFault } from "../../../lib/store/health.ts";
import { commit, tempDir } from "../git_interface/fixture.ts";
import { follow, Publisher, readerOf } from "./fixture.ts";

Deno.test("health: empty, well, and with one pack gone", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  await commit(publisher.work, "a.txt");
  const first = await publisher.pack();
  await commit(publisher.work, "b.txt", 1000);
  const second = await publisher.pack([first.pack]);
  const whole = { signed: await publisher.sign([first.pack, second.pack]), added: [first, second] };
  const other = await Publisher.create(temp.path, "sha1", 2);
  await commit(other.work, "c.txt");

  const repository = readerOf(publisher, join(temp.path, "home"));
  await repository.create("sha1");
  assert.equal((await repositoryFault(repository))?.kind, "empty");
  for (
    const [of, count, publication] of [
      [repository, 2, whole],
      [readerOf(other, join(temp.path, "other")), 1, await other.publication()],
    ] as const
  ) {
    await follow(of, publication);
    assert.equal(await repositoryFault(of), undefined);
    const [pack] = await of.packs();
    await Deno.remove(pack!.path);
    assert.deepEqual(await repositoryFault(of), {
      kind: "lost-packs",
      why: `1 of ${count} packs are gone or damaged in ${of.path}`,
    });
  }
});
