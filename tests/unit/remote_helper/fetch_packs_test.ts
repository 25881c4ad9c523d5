/** Which packs are linked, and what is said of them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { SyncedState } from "../../../lib/daemon/api.ts";
import { checkHeld, fetchPacks } from "../../../lib/remote_helper/fetch.ts";
import { git, tempDir } from "../git_interface/fixture.ts";
import { FolderClient } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

const signal = AbortSignal.timeout(100_000);

/** A publication of two packs, and an empty repository. */
async function setUp() {
  const box = await Sandbox.open();
  const publication = await box.published("hello");
  await box.commit("hello-work", "two.txt");
  await box.publish(publication);
  const gitDir = box.path("copy");
  await box.git(".", "init", "-q", "--bare", gitDir);
  const objectDirectory = join(gitDir, "objects");
  const local = { gitDir, commonDir: gitDir, objectDirectory, alternates: [] };
  const synced = await new FolderClient(box.root).sync({ url: publication.address }, { signal });
  const oid = synced.refs["refs/heads/main"]!;
  const older = await box.git("hello-work", "rev-parse", "HEAD~1");
  const fetch = (
    request: { wanted?: readonly string[]; everything?: boolean; proof?: boolean },
    answer: SyncedState = synced,
  ) => {
    const asked = { wanted: [oid], everything: false, proof: false, ...request };
    return fetchPacks(() => Promise.resolve(answer), local, asked, signal);
  };
  const packs = () =>
    [...Deno.readDirSync(join(objectDirectory, "pack"))].filter(({ name }) => /pack$/.test(name))
      .length;
  return {
    box,
    publication,
    local,
    synced,
    oid,
    older,
    fetch,
    packs,
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

Deno.test("fetch: only what is missing, or everything; proven only if all of it came, and was asked", async () => {
  await using p = await setUp();
  const first = { refs: { "refs/heads/main": p.older }, packs: p.synced.packs.slice(0, 1) };
  assert.deepEqual((await p.fetch({ wanted: [p.older] }, { ...p.synced, ...first })).proven, false);
  assert.equal(p.packs(), 1);
  await p.box.git(p.local.gitDir, "update-ref", "refs/heads/main", p.older);
  const part = await p.fetch({ proof: true });
  assert.deepEqual([part.proven, p.packs()], [false, 2], "not all of it came");
  await p.box.git(p.local.gitDir, "update-ref", "refs/heads/main", p.oid);
  assert.deepEqual(await p.fetch({ proof: true }), { keep: undefined, proven: false });
  const again = await p.fetch({ everything: true, proof: true });
  assert.equal(again.proven, true);
  const tips = again.keep!.replace(/keep$/, "idx");
  assert.match(
    await git(p.local.gitDir, ["verify-pack", "-v", tips]),
    new RegExp(`^${p.oid} `, "m"),
  );
});

Deno.test("fetch: an older commit can be asked for, but isn't proven", async () => {
  await using p = await setUp();
  const fetched = await p.fetch({ wanted: [p.oid, p.older], everything: true, proof: true });
  assert.equal(fetched.proven, false);
  assert.ok(fetched.keep);
});

Deno.test("fetch: where packs stay and can't be linked, it is not tried again", async () => {
  await using p = await setUp();
  for (const [paths, attempts] of [["/gone", 3], [p.synced.packs[0]!.path, 1]] as const) {
    let asked = 0;
    const sync = () => {
      asked++;
      return Promise.resolve({
        ...p.synced,
        packs: p.synced.packs.map((pack) => ({ ...pack, path: paths })),
      });
    };
    const local = { ...p.local, objectDirectory: "/dev/null/objects" };
    await assert.rejects(
      fetchPacks(sync, local, { wanted: [p.oid], everything: true, proof: false }, signal),
    );
    assert.equal(asked, attempts);
  }
});

Deno.test("fetch: what the publication no longer has is said, and how to go on", async () => {
  await using p = await setUp();
  assert.equal(await checkHeld(p.synced, [p.oid], signal), true);
  assert.equal(await checkHeld(p.synced, [p.older, p.oid], signal), false);
  const gone = "1".repeat(40);
  await assert.rejects(checkHeld(p.synced, [p.older, gone], signal), {
    code: "not-there",
    message: new RegExp(`^can't fetch ${gone}: torrent://`),
    hint: /fetch again/,
  });
  await using nowhere = await tempDir();
  const elsewhere = { ...p.synced, gitDir: nowhere.path };
  assert.equal(await checkHeld(elsewhere, [p.oid], signal), true, "the refs are known");
});
