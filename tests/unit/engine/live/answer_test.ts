/** What is served live, to whom. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { liveAnswer } from "../../../../lib/engine/live/answer.ts";
import { publishState } from "../../../../lib/engine/publish/publish.ts";
import type { Flow } from "../../../../lib/manifest/flow.ts";
import { initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, makeParts, soon, tempDir } from "../fixture.ts";

const main = "refs/heads/main";

/** A repository of one's own, published in this way. */
async function setUp(flow: Flow) {
  const temp = await tempDir();
  const parts = await makeParts(temp.path);
  const work = await initRepository(join(temp.path, "work"));
  const repository = parts.store.repository(parts.key.publicKeyHex, "hello");
  using wait = soon();
  const { signed } = await publishState(parts, repository, {
    refs: { [main]: await emptyCommit(work) },
    head: main,
    objectFormat: "sha1",
    flow,
    objectDirs: [objectsOf(work)],
  }, wait);
  const { publisher, name } = signed.manifest;
  return {
    parts,
    repository,
    /** What a network gets that serves these. */
    answer: (isServer: boolean, { seeds = true, key = parts.key, wanted = name } = {}) =>
      liveAnswer({ store: parts.store, key }, () => Promise.resolve(seeds), isServer)({
        publisher,
        name: wanted,
      }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("live answer: what is only put is for servers, unless it is someone else's", async () => {
  for (
    const [flow, isServer, isServed] of [
      ["both", false, true],
      ["announce", false, true],
      ["put", false, false],
      ["put", true, true],
    ] as const
  ) {
    await using one = await setUp(flow);
    assert.equal(await one.answer(isServer) !== undefined, isServed, `${flow} ${isServer}`);
    if (flow !== "put") continue;
    const other = { ...one.parts.key, publicKeyHex: "1".repeat(64) };
    assert.ok(await one.answer(false, { key: other }), "a reader passes it on");
  }
});

Deno.test("live answer: only what is whole, and what the user lets be offered", async () => {
  await using one = await setUp("both");
  assert.equal(await one.answer(true, { seeds: false }), undefined);
  assert.equal(await one.answer(true, { wanted: "other" }), undefined);
  const answer = await one.answer(true);
  assert.equal(answer?.manifest.manifest.name, "hello");
  for (const { path } of await one.repository.packs()) await Deno.remove(path);
  assert.equal(await one.answer(true), undefined);
});
