import assert from "node:assert/strict";
import { type Budget, unpackBudget } from "../../../lib/git_interface/budget.ts";
import { spawnUploadPack } from "../../../lib/git_interface/upload_pack.ts";
import { commit, FORMATS, gitDirOf, initRepository, tempDir } from "./fixture.ts";

const FLUSH = "0000";

async function converse(
  gitDir: string,
  protocol: 0 | 2,
  request: string,
  { budget, code = 0 }: { budget?: Budget; code?: number } = {},
): Promise<string> {
  const process = await spawnUploadPack(gitDir, { protocol, budget });
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(request));
  await writer.close();
  const answer = await new Response(process.stdout).text();
  assert.equal((await process.ended).code, code);
  return answer;
}

for (const format of FORMATS) {
  Deno.test(`upload-pack serves a ${format} repository in both protocols`, async () => {
    await using temp = await tempDir();
    const repository = await initRepository(temp.path, format);
    const tip = await commit(repository, "a");
    const old = await converse(gitDirOf(repository), 0, FLUSH);
    assert.match(old, new RegExp(`${tip} HEAD\0.*allow-reachable-sha1-in-want`));
    assert.match(old, / filter( |\n)/);
    assert.match(old, new RegExp(`${tip} refs/heads/main\n`));
    const now = await converse(gitDirOf(repository), 2, FLUSH);
    assert.match(now, /^000eversion 2\n/);
    assert.match(now, /fetch=.*filter/);
    assert.ok(!now.includes(tip));
  });
}

const line = (text: string) => (text.length + 5).toString(16).padStart(4, "0") + text + "\n";

function fetchWith(filter: string, tip: string): string {
  const asked = ["ofs-delta", `filter ${filter}`, `want ${tip}`, "done"].map(line);
  return line("command=fetch") + "0001" + asked.join("") + FLUSH;
}

Deno.test("upload-pack knows the filters of clones and no others, also within a budget", async () => {
  await using temp = await tempDir();
  const repository = await initRepository(temp.path);
  const tip = await commit(repository, "a");
  const gitDir = gitDirOf(repository);
  for (const budget of [undefined, unpackBudget(1000)]) {
    for (const filter of ["blob:none", "blob:limit=10", "tree:0"]) {
      assert.match(await converse(gitDir, 2, fetchWith(filter, tip), { budget }), /packfile/);
    }
    for (
      const filter of [
        "tree:1",
        "object:type=blob",
        `sparse:oid=${tip}`,
        "combine:blob:none+tree:0",
      ]
    ) {
      const answer = await converse(gitDir, 2, fetchWith(filter, tip), { budget, code: 128 });
      assert.match(answer, /ERR .*(filter .* not supported|filter allows max depth)/, answer);
    }
  }
});

Deno.test("upload-pack ends when its signal aborts", async () => {
  await using temp = await tempDir();
  const repository = await initRepository(temp.path);
  const stop = new AbortController();
  const process = await spawnUploadPack(gitDirOf(repository), { protocol: 2, signal: stop.signal });
  stop.abort(new Error("gone"));
  await assert.rejects(process.ended, { message: "gone" });
  await process.stdout.cancel();
  await process.stdin.abort().catch(() => {});
});

Deno.test("what is no repository is not served", async () => {
  await using temp = await tempDir();
  const missing = spawnUploadPack(`${temp.path}/none`, { protocol: 2 });
  await assert.rejects(missing, { code: "no-repository" });
  const process = await spawnUploadPack(temp.path, { protocol: 2 });
  await process.stdout.cancel();
  assert.equal((await process.ended).code, 128);
  await process.stdin.abort().catch(() => {});
});
