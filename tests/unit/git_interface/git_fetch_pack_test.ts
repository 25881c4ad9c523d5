import assert from "node:assert/strict";
import { gitFetchPack } from "../../../lib/git_interface/git_fetch_pack.ts";
import { oneTimeGitPort } from "../../../lib/git_interface/git_port.ts";
import { FLUSH, packetOf, PacketReader } from "../../../lib/common/pkt_line.ts";
import { spawnUploadPack } from "../../../lib/git_interface/upload_pack.ts";
import { commit, FORMATS, git, gitDirOf, initRepository, tempDir } from "./fixture.ts";

/** Three commits, and an empty repository to fill. */
async function repositories(folder: string, format: "sha1" | "sha256" = "sha1") {
  const source = await initRepository(`${folder}/source`, format);
  const commits: string[] = [];
  for (const name of ["a", "b", "c"]) commits.push(await commit(source, name, 5000));
  const clone = await initRepository(`${folder}/clone`, format);
  const count = async (...args: string[]) =>
    Number(await git(clone, ["rev-list", "--count", ...args, commits[2]!]));
  return { source: gitDirOf(source), clone: gitDirOf(clone), commits, tip: commits[2]!, count };
}

/** A git:// address of a repository; `bytes` cuts the stream off after so many. */
function served(gitDir: string, bytes = Infinity): Promise<string> {
  return oneTimeGitPort({
    missed: () => {},
    serve: async ({ readable, writable }) => {
      const server = await spawnUploadPack(gitDir, { protocol: 2 });
      void readable.pipeTo(server.stdin).catch(() => {});
      let left = bytes;
      const cut = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) controller.terminate();
        },
      });
      await server.stdout.pipeThrough(cut).pipeTo(writable).catch(() => {});
    },
  });
}

for (const format of FORMATS) {
  Deno.test(`fetch-pack makes a ${format} repository shallow, and deepens it`, async () => {
    await using temp = await tempDir();
    const { source, clone: gitDir, tip, count } = await repositories(temp.path, format);
    const fetch = (address: string, depth: { depth: number; relative?: boolean }) =>
      gitFetchPack(address, { gitDir, wants: [tip], keep: true, ...depth });
    const { keep } = await fetch(await served(source), { depth: 1 });
    assert.match(keep!, /\/pack-[0-9a-f]+\.keep$/);
    assert.ok((await Deno.stat(keep!)).isFile);
    assert.equal(await count(), 1);
    await git(gitDir, ["update-ref", "refs/heads/main", tip]);
    await fetch(source, { depth: 1, relative: true });
    assert.equal(await count(), 2);
    await fetch(await served(source), { depth: 2147483647 });
    assert.equal(await count(), 3);
    await git(gitDir, ["fsck", "--full"]);
    await assert.rejects(Deno.stat(`${gitDir}/shallow`));
  });
}

Deno.test("fetch-pack leaves out what a filter says, and can fetch it later", async () => {
  await using temp = await tempDir();
  const { source, clone: gitDir, tip, count } = await repositories(temp.path);
  await git(gitDir, ["config", "remote.origin.promisor", "true"]);
  const promised = { gitDir, keep: true, filter: "blob:none", promisor: true };
  const { keep } = await gitFetchPack(await served(source), { ...promised, wants: [tip] });
  await Deno.stat(keep!.replace(/keep$/, "promisor"));
  assert.equal(await count("--objects", "--missing=allow-promisor"), 3 + 3);
  const blob = await git(source, ["rev-parse", "HEAD:a"]);
  await gitFetchPack(await served(source), { ...promised, wants: [blob] });
  assert.equal(await git(gitDir, ["cat-file", "-s", blob]), "5000");
});

Deno.test("fetch-pack fetches only what refs don't reach, and says whether it is whole", async () => {
  await using temp = await tempDir();
  const { source, clone: gitDir, commits, tip, count } = await repositories(temp.path);
  const [first] = commits;
  const options = { gitDir, keep: true, proof: true };
  assert.equal((await gitFetchPack(source, { ...options, wants: [first!] })).whole, true);
  await git(gitDir, ["update-ref", "refs/heads/main", first!]);
  const { keep, whole } = await gitFetchPack(await served(source), { ...options, wants: [tip] });
  assert.equal(whole, false);
  assert.equal(await count(), 3);
  const listed = await git(gitDir, ["verify-pack", "-v", keep!.replace(/keep$/, "idx")]);
  assert.equal(listed.split("\n").filter((line) => / commit /.test(line)).length, 2);
  const again = await gitFetchPack(source, { ...options, wants: [first!] });
  assert.equal(again.keep, undefined);
});

Deno.test("fetch-pack tells a failed source from failures here", async (t) => {
  await using temp = await tempDir();
  const { source, clone: gitDir, tip, count } = await repositories(temp.path);
  const fetch = (address: string, wants = [tip]) =>
    gitFetchPack(address, { gitDir, wants, keep: true, depth: 1 });
  for (const bytes of [1, 200, 3000]) {
    await t.step(`cut after ${bytes} bytes`, async () => {
      await assert.rejects(fetch(await served(source, bytes)), { code: "stream-cut" });
    });
  }
  await t.step("nobody there", async () => {
    await assert.rejects(fetch("git://127.0.0.1:1/x"), { code: "stream-cut" });
    await assert.rejects(fetch(`${temp.path}/none`), { code: "stream-cut" });
  });
  await t.step("an object that is not there", async () => {
    await assert.rejects(fetch(source, ["1".repeat(40)]), {
      code: "stream-cut",
      message: /not our/,
    });
  });
  await t.step("a repository that can't be written", async () => {
    await Deno.writeTextFile(`${gitDir}/shallow.lock`, "");
    await assert.rejects(fetch(source), { code: "git-failed" });
    await Deno.remove(`${gitDir}/shallow.lock`);
  });
  await fetch(source);
  assert.equal(await count(), 1);
});

for (const [where, end] of [["before", "ERR gtr: no"], ["within", "\x03gtr: no"]] as const) {
  Deno.test(`fetch-pack passes on why the other side gave up, ${where} the pack`, async () => {
    await using temp = await tempDir();
    const { clone: gitDir, tip } = await repositories(temp.path);
    const greeting = ["version 2", "ls-refs", "fetch=shallow", "object-format=sha1"];
    const pack = ["packfile\n", "\x02Counting objects:  50% (1/2)\r", "\x01PACK\0\0\0\x02"];
    const url = await oneTimeGitPort({
      missed: () => {},
      serve: async ({ readable, writable }) => {
        const git = new PacketReader(readable);
        const writer = writable.getWriter();
        const tell = async (...texts: string[]) => {
          for (const text of texts) await writer.write(packetOf(text));
        };
        const request = async () => {
          for (let p = await git.next(); p && p.kind !== "flush"; p = await git.next());
        };
        await tell(...greeting);
        await writer.write(FLUSH);
        await request(); // of refs
        await writer.write(FLUSH);
        await request();
        await tell(...(where === "within" ? pack : []), end);
        await writer.close();
      },
    });
    await assert.rejects(gitFetchPack(url, { gitDir, wants: [tip], keep: true }), {
      code: "stream-cut",
      message: "can't fetch: no",
      hint: /try again/,
    });
  });
}

Deno.test("fetch-pack doesn't heed proxies, and ends with its signal", async () => {
  await using temp = await tempDir();
  const { source, clone: gitDir, tip } = await repositories(temp.path);
  await git(gitDir, ["config", "core.gitProxy", "false"]);
  await git(gitDir, ["config", "protocol.git.allow", "never"]);
  const options = { gitDir, wants: [tip], keep: false };
  await gitFetchPack(await served(source), options);
  assert.equal(await git(gitDir, ["cat-file", "-t", tip]), "commit");
  const stop = new AbortController();
  const silent = await oneTimeGitPort({
    missed: () => {},
    serve: ({ readable }) => {
      stop.abort(new Error("enough"));
      return readable.pipeTo(new WritableStream()).catch(() => {});
    },
  });
  await assert.rejects(
    gitFetchPack(silent, { ...options, refetch: true, signal: stop.signal }),
    { message: "enough" },
  );
});
