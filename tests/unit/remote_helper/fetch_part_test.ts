import assert from "node:assert/strict";
import { join } from "node:path";
import type { DialledState, RemoteState, SyncedState } from "../../../lib/daemon/api.ts";
import {
  bringsOtherTags,
  fetchPart,
  isSmallPart,
  removePartialPacks,
  wantsSmallPart,
} from "../../../lib/remote_helper/fetch_part.ts";
import { HelperOptions } from "../../../lib/remote_helper/options.ts";
import {
  commit,
  git,
  gitDirOf,
  initRepository,
  objectsOf,
  tempDir,
} from "../git_interface/fixture.ts";

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
        const isLeft = await Deno.stat(left).then(() => true, () => false);
        assert.equal(isLeft, dialled > 1 && !cloning, "nothing is in the way of the next peer");
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
    await Deno.remove(join(local.objectDirectory, "pack"), { recursive: true });
  }
});

Deno.test("only what git leaves of a pack is removed, and that nothing is there is no error", async () => {
  await using temp = await tempDir();
  const folder = join(temp.path, "pack");
  const local = { gitDir: "", commonDir: "", objectDirectory: temp.path, alternates: [] };
  await removePartialPacks(local);
  await Deno.mkdir(folder);
  const stays = ["pack-1.pack", "pack-tmp_pack_1", "tmp_other_1", "tmp_pack"];
  for (const name of [...stays, "tmp_pack_1", "tmp_idx_1", "tmp_rev_1"]) {
    await Deno.writeTextFile(join(folder, name), "");
  }
  await Deno.mkdir(join(folder, "tmp_pack_folder", "full"), { recursive: true });
  await removePartialPacks(local);
  const left = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assert.deepEqual(left, [...stays, "tmp_pack_folder"].sort());
});

Deno.test("if nobody waits any more, no other peer is tried", async () => {
  await using temp = await tempDir();
  const gitDir = gitDirOf(await initRepository(temp.path));
  const local = {
    gitDir,
    commonDir: gitDir,
    objectDirectory: objectsOf(temp.path),
    alternates: [],
  };
  const leaving = new AbortController();
  const sources = {
    dial: () => {
      assert.ok(!leaving.signal.aborted, "another is dialled");
      leaving.abort(new Error("enough"));
      return Promise.resolve({ source: "git://127.0.0.1:1/x" } as DialledState);
    },
    failed: () => assert.fail("it was told as a failure"),
  };
  const request = {
    wanted: ["a".repeat(40)],
    options: new HelperOptions(),
    env: () => undefined,
    progress: () => {},
  };
  await assert.rejects(fetchPart(sources, local, request, leaving.signal), /enough/);
});

Deno.test("a broken store is no live peer: it isn't asked twice, and then brought up to date", async () => {
  await using temp = await tempDir();
  const work = await initRepository(join(temp.path, "work"));
  const oid = await commit(work, "a");
  const gitDir = gitDirOf(await initRepository(join(temp.path, "copy")));
  const local = {
    gitDir,
    commonDir: gitDir,
    objectDirectory: join(gitDir, "objects"),
    alternates: [],
  };
  let dialled = 0;
  const failures: string[] = [];
  const dial = () => {
    dialled++;
    return Promise.resolve({ source: join(temp.path, "nowhere") } as DialledState);
  };
  const sync = () =>
    Promise.resolve(
      {
        gitDir: gitDirOf(work),
        refs: { "refs/heads/main": oid },
        packs: [],
      } as unknown as SyncedState,
    );
  const options = new HelperOptions();
  const request = { wanted: [oid], options, env: () => undefined, progress: () => {} };
  const failed = ({ code }: { code: string }) => void failures.push(code);
  const signal = AbortSignal.timeout(60_000);
  const fetched = await fetchPart({ dial, sync, failed }, local, request, signal);
  assert.deepEqual([dialled, failures.length, fetched?.proven], [1, 1, false]);
  assert.equal(await git(temp.path, [`--git-dir=${gitDir}`, "cat-file", "-t", oid]), "commit");
  // If whole packs are another way, the store isn't asked for a part.
  dialled = 0;
  assert.equal(await fetchPart({ dial, failed }, local, request, signal), undefined);
  assert.deepEqual([dialled, failures.length], [1, 1]);
  // What the publication doesn't have is said so.
  await assert.rejects(
    fetchPart({ dial: () => Promise.resolve(undefined), sync, failed }, local, {
      ...request,
      wanted: ["1".repeat(40)],
    }, signal),
    { code: "not-there" },
  );
});

Deno.test("whole packs bring other tags where some branch and some tag is neither wanted nor here", async () => {
  await using temp = await tempDir();
  const work = await initRepository(temp.path);
  const here = await commit(work, "a");
  const gitDir = gitDirOf(work);
  const local = { gitDir, commonDir: gitDir, objectDirectory: objectsOf(work), alternates: [] };
  const [branch, tag] = ["b".repeat(40), "c".repeat(40)];
  const signal = AbortSignal.timeout(60_000);
  for (
    const [refs, wanted, expected] of [
      [{ "refs/heads/main": branch, "refs/tags/v1": tag }, [], true],
      [{ "refs/heads/main": branch, "refs/tags/v1": tag }, [branch], false],
      [{ "refs/heads/main": branch, "refs/tags/v1": tag }, [tag], false],
      [{ "refs/heads/main": here, "refs/tags/v1": tag }, [], false],
      [{ "refs/heads/main": branch, "refs/tags/v1": here }, [], false],
      [{ "refs/heads/main": here, "refs/heads/b": branch, "refs/tags/v1": tag }, [], true],
      [{ "refs/heads/main": branch }, [], false],
      [{ "refs/tags/v1": tag }, [], false],
    ] as const
  ) {
    const state = { refs: refs as unknown as Record<string, string> };
    assert.equal(
      await bringsOtherTags(state, local, wanted, signal),
      expected,
      JSON.stringify([refs, wanted]),
    );
  }
  const large = { packBytes: 8 << 20, refs: { "refs/heads/main": here, "refs/heads/b": branch } };
  assert.equal(await wantsSmallPart(large as unknown as RemoteState, local, [], signal), true);
  assert.equal(
    await wantsSmallPart(large as unknown as RemoteState, local, [branch], signal),
    false,
  );
});
