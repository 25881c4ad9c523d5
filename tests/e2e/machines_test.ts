/** One identity on several machines, and branches that vanish: nothing is overwritten unseen. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Node } from "./node.ts";
import { until } from "./until.ts";

/** Another machine of the same user: the same key, nothing else. */
async function machineOf(user: Node, bootstrap: string): Promise<Node> {
  const other = await Node.make(bootstrap);
  await Deno.mkdir(other.home, { mode: 0o700 });
  await Deno.copyFile(join(user.home, "identity.pem"), join(other.home, "identity.pem"));
  return other;
}

Deno.test("machines: a push from one is seen by the other, and not overwritten by its next commit", async () => {
  await using reader = await Node.make("none");
  const bootstrap = await reader.dht();
  await using desk = await Node.make(bootstrap);
  const url = await desk.share("app");
  await using laptop = await machineOf(desk, bootstrap);
  await laptop.git("clone", "-q", url, "copy");
  const pushed = await laptop.commit("copy", "laptop.txt", "laptop\n");
  await laptop.gitIn(laptop.path("copy"), "push", "-q", "origin", "main");
  await desk.untilPublished(url, "refs/heads/main", pushed);

  await desk.commit("app", "desk.txt", "desk\n");
  await until(
    "the desk says that main has diverged",
    async () => (await desk.gtr("status")).includes("warning: app: main has diverged"),
  );
  const again = await desk.run("gtr", ["init"], { cwd: desk.path("app") });
  assert.deepEqual([again.code, again.stdout], [1, `${url}\n`]);
  const advice = `git pull ${url} main --no-rebase`;
  assert.ok(again.stderr.includes(advice), again.stderr);
  assert.match(await desk.gtr("doctor").catch(String), /app: .*diverged/);
  await reader.untilPublished(url, "refs/heads/main", pushed);

  // The command that it names helps.
  await desk.gitIn(
    desk.path("app"),
    ...advice.split(" ").slice(1),
  );
  const joined = await desk.gitIn(desk.path("app"), "rev-parse", "main");
  await reader.untilPublished(url, "refs/heads/main", joined);
  await laptop.untilPublished(url, "refs/heads/main", joined);
  assert.equal((await desk.gtr("status")).includes("diverged"), false);
});

Deno.test("machines: an older copy with the key rewinds nothing; another history is refused", async () => {
  await using reader = await Node.make("none");
  const bootstrap = await reader.dht();
  await using old = await Node.make(bootstrap);
  const url = await old.share("app");
  const newest = await old.commit("app", "two.txt", "2\n");
  await old.untilPublished(url, "refs/heads/main", newest);
  await reader.git("clone", "-q", url, "copy");
  await using anew = await machineOf(old, bootstrap);
  await old.stopGtd();

  await anew.git("clone", "-q", old.path("app"), "app");
  await anew.gitIn(anew.path("app"), "reset", "-q", "--hard", "HEAD~1");
  await anew.gtrIn(anew.path("app"), "init");
  await reader.untilPublished(url, "refs/heads/main", newest);

  // The folder is emptied, and something else begun in it.
  await Deno.remove(anew.path("app"), { recursive: true });
  await anew.git("init", "-q", "app");
  const other = await anew.commit("app", "other.txt", "other\n");
  const refused = await anew.run("gtr", ["init"], { cwd: anew.path("app") });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /nothing in common with what is published .*\nhint: .*--replace/);
  await reader.untilPublished(url, "refs/heads/main", newest);
  await anew.gtrIn(anew.path("app"), "init", "--replace");
  await reader.untilPublished(url, "refs/heads/main", other);
});

Deno.test("branches: a rename is followed, a damaged ref stays, a pushed branch can be removed", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("app");
  const app = alice.path("app");
  const oid = await alice.gitIn(app, "rev-parse", "HEAD");
  await alice.gitIn(app, "branch", "-m", "main", "trunk");
  await alice.untilPublished(url, "refs/heads/trunk", oid);
  await alice.untilPublished(url, "refs/heads/main", undefined);

  await Deno.writeTextFile(join(app, ".git/refs/heads/trunk"), "\n");
  await until(
    "status says that it can't be read",
    async () => (await alice.gtr("status")).includes("git can't read it here"),
  );
  await alice.untilPublished(url, "refs/heads/trunk", oid);
  await Deno.writeTextFile(join(app, ".git/refs/heads/trunk"), `${oid}\n`);

  await alice.gitIn(app, "push", "-q", url, "trunk:refs/heads/extra");
  assert.match(await alice.gtr("list"), /^app +extra /m);
  await alice.gtrIn(app, "remove", "extra");
  await alice.untilPublished(url, "refs/heads/extra", undefined);
  assert.equal((await alice.gtr("list")).includes("extra"), false);
});
