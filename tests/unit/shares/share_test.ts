import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import type { RepositoryLocation } from "../../../lib/shares/find_gitdir.ts";
import {
  findShared,
  listShared,
  shareRepository,
  stopSharing,
  unlist,
} from "../../../lib/shares/share.ts";
import { Shares } from "../../../lib/shares/shares.ts";
import { git, temporaryFolder } from "./support.ts";

const { signal } = new AbortController();
const MAIN = "refs/heads/main";

async function place(folder: string, name: string): Promise<RepositoryLocation> {
  const worktree = join(folder, name);
  const gitDir = join(worktree, ".git");
  await Deno.mkdir(gitDir, { recursive: true });
  return { gitDir, commonDir: gitDir, worktree };
}

Deno.test("shareRepository: many at once lose nothing", async () => {
  await using folder = await temporaryFolder();
  const home = new Home(join(folder.path, "home"));
  const hello = await place(folder.path, "hello");
  const branches = Array.from({ length: 8 }, (_, i) => `refs/heads/b${i}`);
  const others = await Promise.all(["x", "y", "z"].map((name) => place(folder.path, name)));
  await Promise.all([
    ...branches.map((branch) => shareRepository(home, hello, { branches: [branch] }, signal)),
    ...others.map((other) => shareRepository(home, other, { branches: [MAIN] }, signal)),
  ]);
  const shared = await listShared(home);
  assert.deepEqual(shared.map(({ name }) => name).sort(), ["hello", "x", "y", "z"]);
  assert.deepEqual((await findShared(home, "hello")).settings!.branches.toSorted(), branches);
});

Deno.test("shareRepository: of two that want a name, one gets it", async () => {
  await using folder = await temporaryFolder();
  const home = new Home(join(folder.path, "home"));
  const places = await Promise.all(["a/hello", "b/hello"].map((path) => place(folder.path, path)));
  const outcomes = await Promise.allSettled(
    places.map((where) => shareRepository(home, where, { branches: [MAIN] }, signal)),
  );
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  assert.equal((await listShared(home)).length, 1);
});

Deno.test("shareRepository: description and tags stay until told otherwise", async () => {
  await using folder = await temporaryFolder();
  const home = new Home(join(folder.path, "home"));
  const hello = await place(folder.path, "hello");
  const share = (request: { description?: string; tags?: "all" }) =>
    shareRepository(home, hello, { branches: [MAIN], ...request }, signal);
  await share({ description: "one", tags: "all" });
  const { description, tags } = await share({});
  assert.deepEqual([description, tags], ["one", "all"]);
  assert.equal((await share({ description: "two" })).description, "two");
});

Deno.test("stopSharing: the name stays taken until nothing is shared, and is kept", async () => {
  await using folder = await temporaryFolder();
  const home = new Home(join(folder.path, "home"));
  const first = await place(folder.path, "a/hello");
  const second = await place(folder.path, "b/hello");
  await shareRepository(home, first, { branches: [MAIN], name: "greeting" }, signal);
  await unlist(home, first.commonDir, signal);
  assert.equal((await listShared(home)).length, 1, "what shares something stays on the list");

  assert.deepEqual((await stopSharing(home, first.commonDir, [MAIN], signal)).branches, []);
  assert.equal((await listShared(home)).length, 1, "gtd still has to withdraw it");
  await assert.rejects(
    stopSharing(home, first.commonDir, [MAIN], signal),
    (error: { code: string }) => error.code === "not-shared",
  );
  await shareRepository(home, second, { branches: [MAIN], name: "greeting" }, signal);
  assert.deepEqual(await new Shares(home).list(), [
    { gitDir: second.commonDir, name: "greeting" },
  ]);
  await assert.rejects(
    shareRepository(home, first, { branches: [MAIN] }, signal),
    (error: { code: string }) => error.code === "name-taken",
  );
});

Deno.test("stopSharing: where the first branch goes, the one checked out is first", async () => {
  await using folder = await temporaryFolder();
  const home = new Home(join(folder.path, "home"));
  const hello = await place(folder.path, "hello");
  await git(hello.worktree!, "init", "-q", "-b", "trunk");
  const branches = ["main", "next", "old", "trunk"].map((name) => `refs/heads/${name}`);
  await shareRepository(home, hello, { branches }, signal);
  const stop = async (name: string) =>
    (await stopSharing(home, hello.commonDir, [`refs/heads/${name}`], signal)).branches;
  assert.deepEqual(await stop("old"), branches.filter((name) => !name.endsWith("old")));
  assert.deepEqual(await stop("main"), ["refs/heads/trunk", "refs/heads/next"]);
});

Deno.test("findShared: unknown names", async () => {
  await using folder = await temporaryFolder();
  await assert.rejects(
    findShared(new Home(folder.path), "hello"),
    (error: { code: string }) => error.code === "not-shared",
  );
});
