/** What the manifest alone answers is what `git upload-pack` would. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { advertisement, FETCH_FEATURES, lsRefs } from "../../../lib/git_interface/ls_refs.ts";
import { FLUSH, packetOf, PacketReader, textOf } from "../../../lib/common/pkt_line.ts";
import { headTarget, listRefs } from "../../../lib/git_interface/refs.ts";
import { runGit } from "../../../lib/git_interface/run.ts";
import { peelTags } from "../../../lib/git_interface/peel_tags.ts";
import { spawnUploadPack } from "../../../lib/git_interface/upload_pack.ts";

const ARGS: readonly (readonly string[])[] = [
  [],
  ["peel", "symrefs"],
  ["peel", "symrefs", "unborn", "ref-prefix HEAD", "ref-prefix refs/heads/"],
  ["ref-prefix refs/tags/"],
  ["peel", "ref-prefix refs/tags/v1"],
  ["symrefs", "ref-prefix refs/heads/ma"],
  ["ref-prefix nothing"],
];

async function texts(packets: readonly Uint8Array[]): Promise<string[]> {
  const reader = new PacketReader(ReadableStream.from(packets));
  const found: string[] = [];
  for (let p = await reader.next(); p && p.kind === "data"; p = await reader.next()) {
    found.push(textOf(p));
  }
  return found;
}

/** What git answers to one ls-refs request, its capabilities first. */
async function ofGit(gitDir: string, args: readonly string[]): Promise<[string[], string[]]> {
  const git = await spawnUploadPack(gitDir, { protocol: 2 });
  const writer = git.stdin.getWriter();
  const request = [packetOf("command=ls-refs\n"), new TextEncoder().encode("0001")];
  for (const arg of args) request.push(packetOf(`${arg}\n`));
  for (const part of [...request, FLUSH, FLUSH]) await writer.write(part);
  await writer.close();
  const reader = new PacketReader(git.stdout);
  const blocks: [string[], string[]] = [[], []];
  for (const block of blocks) {
    for (let p = await reader.next(); p && p.kind === "data"; p = await reader.next()) {
      block.push(textOf(p));
    }
  }
  assert.equal((await git.ended).code, 0);
  return blocks;
}

for (const isEmpty of [false, true]) {
  Deno.test(`ls-refs of ${isEmpty ? "an empty" : "a"} repository is what git says`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const gitDir = join(folder, "r.git");
      await runGit(["init", "-q", "--bare", "-b", "main", gitDir]);
      if (!isEmpty) {
        const env = {
          GIT_AUTHOR_NAME: "a",
          GIT_AUTHOR_EMAIL: "a@example.org",
          GIT_COMMITTER_NAME: "a",
          GIT_COMMITTER_EMAIL: "a@example.org",
        };
        const tree = (await runGit(["mktree"], { gitDir })).stdout.trim();
        const commit = (await runGit(["commit-tree", "-m", "one", tree], { gitDir, env })).stdout;
        for (const name of ["refs/heads/main", "refs/heads/side", "refs/tags/light"]) {
          await runGit(["update-ref", name, commit.trim()], { gitDir });
        }
        await runGit(["tag", "-a", "-m", "one", "v1", commit.trim()], { gitDir, env });
      }
      const refs = Object.fromEntries(await listRefs(gitDir, ["refs/"]));
      const targets = await peelTags(gitDir, Object.values(refs));
      const tags = Object.entries(refs).filter(([, oid]) => targets.has(oid));
      const peeled = Object.fromEntries(tags.map(([name, oid]) => [name, targets.get(oid)!]));
      const head = (await headTarget(gitDir))!;
      for (const args of ARGS) {
        const [capabilities, answer] = await ofGit(gitDir, args);
        assert.deepEqual(await texts(lsRefs({ refs, peeled, head }, args)), answer, args.join());
        assert.equal(capabilities[0], "version 2");
        const fetch = capabilities.find((line) => line.startsWith("fetch="))!.slice(6).split(" ");
        assert.deepEqual(FETCH_FEATURES.filter((feature) => !fetch.includes(feature)), []);
      }
      const ours = await texts(advertisement({ objectFormat: "sha1" }, "gtr/1"));
      assert.deepEqual(ours[0], "version 2");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
