import assert from "node:assert/strict";
import { join } from "node:path";
import type { DialledState } from "../../../lib/daemon/api.ts";
import { fetchPart, isSmallPart, wantsSmallPart } from "../../../lib/remote_helper/fetch_part.ts";
import { HelperOptions } from "../../../lib/remote_helper/options.ts";
import { gitDirOf, initRepository, objectsOf, tempDir } from "../git_interface/fixture.ts";

Deno.test("few branches of a large repository are a part, tags and what is here aside", () => {
  const oid = (digit: string) => digit.repeat(40);
  const state = (packBytes: number) => ({
    packBytes,
    refs: {
      "refs/heads/main": oid("a"),
      "refs/heads/same": oid("a"),
      "refs/heads/big": oid("b"),
      "refs/tags/v1": oid("c"),
    },
  });
  const small = (bytes: number, ...has: string[]) =>
    isSmallPart(state(bytes), (id) => has.includes(id));
  assert.equal(small(8 << 20, oid("a")), true);
  assert.equal(small((8 << 20) - 1, oid("a")), false);
  assert.equal(small(8 << 20, oid("a"), oid("b")), false);
  assert.equal(small(8 << 20), true);
});

Deno.test("whether a part is wanted is known of small repositories without looking into one", async () => {
  const state = { packBytes: 10, refs: { "refs/heads/main": "a".repeat(40) } };
  const nowhere = { gitDir: "/nowhere", commonDir: "/nowhere", objectDirectory: "/nowhere" };
  const local = { ...nowhere, alternates: [] };
  const { signal } = new AbortController();
  const remote = state as unknown as Parameters<typeof wantsSmallPart>[0];
  assert.equal(await wantsSmallPart(remote, local, [], signal), false);
});

Deno.test("what a broken stream leaves is removed from a clone, and two peers are tried", async () => {
  await using temp = await tempDir();
  const work = join(temp.path, "work");
  await initRepository(work);
  const gitDir = gitDirOf(work);
  const local = { gitDir, commonDir: gitDir, objectDirectory: objectsOf(work), alternates: [] };
  const left = join(local.objectDirectory, "pack", "tmp_pack_x");
  const signal = AbortSignal.timeout(60_000);
  for (const cloning of [false, true]) {
    await Deno.mkdir(join(local.objectDirectory, "pack"), { recursive: true });
    const options = Object.assign(new HelperOptions(), { cloning });
    let dialled = 0;
    let failed = 0;
    const sources = {
      dial: async () => {
        dialled++;
        await Deno.writeTextFile(left, "half");
        return { source: "git://127.0.0.1:1/x" } as DialledState; // nobody listens
      },
      failed: () => void failed++,
    };
    const request = {
      wanted: ["a".repeat(40)],
      options,
      env: () => undefined,
      progress: () => {},
    };
    assert.equal(await fetchPart(sources, local, request, signal), undefined);
    assert.deepEqual([dialled, failed], [2, 2]);
    const names = [...Deno.readDirSync(join(local.objectDirectory, "pack"))].map((x) => x.name);
    assert.equal(names.includes("tmp_pack_x"), !cloning);
  }
});
