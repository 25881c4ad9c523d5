/**
 * `make demo`: shares a repository from one node and clones it from others, on this computer only.
 *
 * Every node has a home, a git configuration and ports of its own in a temporary folder, and their
 * DHT is a private one on loopback. Everything is gone when the demo ends.
 *
 * @module
 */
import { join } from "node:path";
import { type LocalNode, plainEnvironment } from "./local/node.ts";
import { run } from "./local/run.ts";
import type { Sandbox } from "./local/sandbox.ts";
import { commit, headOf, makeHistory, play, same, say, seen, show, title } from "./local/stage.ts";

const ROOT = join(import.meta.dirname!, "..");
const NAME = "hello";

/** This project's own history where it is a whole git checkout, else a small made-up one. */
async function makeRepository(who: LocalNode): Promise<string> {
  const env = plainEnvironment("/dev/null");
  const ask = (...args: string[]) => run(["git", "-C", ROOT, ...args], { env, allowFail: true });
  const top = await ask("rev-parse", "--show-toplevel", "--is-shallow-repository");
  const head = await ask("rev-parse", "--verify", "--quiet", "HEAD");
  const ours = top.stdout.trim() === `${await Deno.realPath(ROOT)}\nfalse`;
  if (head.code === 0 && ours) {
    await who.git(".", "clone", "--quiet", "--no-hardlinks", "--single-branch", ROOT, NAME);
    await who.git(NAME, "checkout", "--quiet", "-B", "main");
    await who.git(NAME, "remote", "remove", "origin");
    return "the history of this project";
  }
  await makeHistory(who, NAME);
  return "a small made-up history";
}

async function demo(sandbox: Sandbox): Promise<void> {
  title("Two people, each with their own gtd and identity, and a DHT that only they are in.");
  const alice = await sandbox.node("Alice");
  say(`  Alice's node: ${await alice.dht()}`);
  const bob = await sandbox.node("Bob", alice);
  say(`  Bob's node:   ${await bob.dht()}, told only of Alice's`);

  title("Alice shares a repository. There is no server to create it on.");
  const what = await makeRepository(alice);
  const commits = (await alice.git(NAME, "rev-list", "--count", "HEAD")).stdout.trim();
  say(`  It holds ${what}: ${commits} commits.`);
  const init = await alice.run(["gtr", "init"], { cwd: `${alice.folder}/${NAME}` });
  const url = init.stdout.trim();
  show(alice, "gtr init", init, url);

  title("Bob clones it with plain git, through the DHT and a BitTorrent swarm.");
  show(bob, `git clone ${url}`, await bob.git(".", "clone", "--quiet", url));
  const log = await bob.git(NAME, "log", "--oneline", "-3");
  show(bob, "git log --oneline -3", log, log.stdout);
  same("Bob's clone", await headOf(bob, NAME), await headOf(alice, NAME));

  title("Alice commits. There is no push to remember: her gtd publishes it.");
  const committed = await commit(alice, NAME, "news.txt", "Something new.\n");
  const since = performance.now();
  const first = await headOf(alice, NAME);
  show(alice, "git commit -m 'Write news.txt'", committed);
  const ms = await seen(bob, url, "refs/heads/main", first, since);
  say(`  ${(ms / 1000).toFixed(2)} s later, Bob's git sees it.`);
  show(bob, "git pull", await bob.git(NAME, "pull", "--quiet"));
  same("Bob's main", await headOf(bob, NAME), first);

  title("Alice can also push to her address, from any clone she has.");
  await alice.git(".", "clone", "--quiet", url, "laptop");
  await alice.git("laptop", "checkout", "--quiet", "-b", "topic");
  await commit(alice, "laptop", "topic.txt", "On a branch.\n");
  const second = await headOf(alice, "laptop");
  show(
    alice,
    "git push origin topic",
    await alice.git("laptop", "push", "--quiet", "origin", "topic"),
  );
  await seen(bob, url, "refs/heads/topic", second, performance.now());
  show(bob, "git fetch", await bob.git(NAME, "fetch", "--quiet"));
  same("Bob's topic", await headOf(bob, NAME, "origin/topic"), second);
  const refused = await bob.run(["git", "push", "origin", "HEAD:bobs"], {
    cwd: `${bob.folder}/${NAME}`,
    allowFail: true,
  });
  if (refused.code === 0) throw new Error("Bob could push to Alice's repository");
  show(bob, "git push origin HEAD:bobs", refused, "refused: it is Alice's");

  title("Alice goes offline. Carol, who never met her, clones all the same: from Bob.");
  show(alice, "gtr daemon stop", await alice.gtr("daemon", "stop"));
  const carol = await sandbox.node("Carol", bob);
  show(carol, `git clone ${url}`, await carol.git(".", "clone", "--quiet", url));
  same("Carol's clone", await headOf(carol, NAME), first);
  same("Carol's topic", await headOf(carol, NAME, "origin/topic"), second);
  show(carol, "git fsck", await carol.git(NAME, "fsck", "--no-progress"));
  say("  The same commits, signed by Alice and verified by Carol's gtd.");
}

await play(demo);
