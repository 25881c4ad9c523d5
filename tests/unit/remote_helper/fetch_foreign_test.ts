/** Of servers that strangers name: which are asked, and what one that broke leaves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fetchForeign } from "../../../lib/remote_helper/fetch_foreign.ts";
import { HelperOptions } from "../../../lib/remote_helper/options.ts";
import { serveGit } from "../../fixtures/git_http.ts";
import { commit, git, gitDirOf, initRepository, tempDir } from "../git_interface/fixture.ts";

const DEAD = "http://127.0.0.1:1/x.git";

async function setUp() {
  const temp = await tempDir();
  const work = await initRepository(join(temp.path, "work"));
  const oid = await commit(work, "a");
  await git(temp.path, ["clone", "-q", "--mirror", "work", "server/x.git"]);
  const gitDir = gitDirOf(await initRepository(join(temp.path, "copy")));
  const objectDirectory = join(gitDir, "objects");
  const local = { gitDir, commonDir: gitDir, objectDirectory, alternates: [] };
  const left = join(objectDirectory, "pack", "tmp_pack_x");
  await Deno.writeTextFile(left, "half");
  const shown: string[] = [];
  const fetch = (servers: string[], set: string[] = [], signal = AbortSignal.timeout(60_000)) => {
    const options = new HelperOptions();
    for (const option of set) assert.equal(options.set(option), "ok");
    const progress = (_done: number, _total: number, what: string) => void shown.push(what);
    const request = { wanted: [oid], options, env: () => undefined, progress };
    return fetchForeign({ address: "nostr://x/y", servers }, local, request, signal);
  };
  return {
    root: temp.path,
    local,
    left,
    oid,
    fetch,
    shown,
    isLeft: () => Deno.stat(left).then(() => true, () => false),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("foreign: what a broken server leaves is removed from a clone, and from nothing else", async () => {
  await using p = await setUp();
  await assert.rejects(p.fetch([DEAD, DEAD]), {
    code: "no-server",
    message: new RegExp(`from any of its git servers: ${DEAD}: .*; ${DEAD}: `),
    hint: /try again later/,
  });
  assert.equal(await p.isLeft(), true);
  const broken = p.fetch([DEAD], ["cloning true"]);
  await assert.rejects(broken, { code: "no-server" });
  assert.equal(await p.isLeft(), false);
  await assert.rejects(p.fetch([]), {
    code: "no-server",
    message: /maintainers name no git server/,
  });
});

Deno.test("foreign: the first server that has it is enough; progress is shown if git wants it", async () => {
  await using p = await setUp();
  await using server = serveGit(join(p.root, "server"));
  const url = `${server.url}/x.git`;
  await p.fetch([DEAD, url, "http://127.0.0.1:1/never-asked.git"], ["progress true"]);
  assert.equal(
    await git(p.root, [`--git-dir=${p.local.gitDir}`, "cat-file", "-t", p.oid]),
    "commit",
  );
  assert.notEqual(p.shown.splice(0).length, 0);
  for (const quiet of [["progress true", "verbosity 0"], []]) {
    await p.fetch([url], ["refetch true", ...quiet]);
    assert.deepEqual(p.shown, []);
  }
});

Deno.test("foreign: if nobody waits any more, no other server is asked", async () => {
  await using p = await setUp();
  const reason = new Error("enough");
  await assert.rejects(p.fetch([DEAD, DEAD], [], AbortSignal.abort(reason)), (error: Error) => {
    assert.doesNotMatch(error.message, /from any of its git servers/);
    return true;
  });
});

Deno.test("foreign: that the repository is gone is no server's fault", async () => {
  await using p = await setUp();
  await using server = serveGit(join(p.root, "server"));
  await Deno.remove(p.local.gitDir, { recursive: true });
  await assert.rejects(p.fetch([`${server.url}/x.git`]), (error: Error & { code: string }) => {
    assert.notEqual(error.code, "no-server", error.message);
    return true;
  });
});
