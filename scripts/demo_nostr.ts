/**
 * `make demo-nostr`: shares a repository over Nostr, with no git server and no peer, on this computer
 * only. The relay and the Blossom server are the tests' own; everything is gone when the demo ends.
 *
 * @module
 */
import { startBlossom, startRelay } from "../tests/fixtures/nostr/servers.ts";
import type { Sandbox } from "./local/sandbox.ts";
import { commit, headOf, makeHistory, play, same, say, seen, show, title } from "./local/stage.ts";

const NAME = "hello";

async function demo(sandbox: Sandbox): Promise<void> {
  const relay = await startRelay();
  sandbox.defer(() => relay[Symbol.asyncDispose]());
  const blossom = await startBlossom();
  sandbox.defer(() => blossom[Symbol.asyncDispose]());
  const node = (name: string, more: Record<string, string> = {}) =>
    sandbox.node(name, undefined, {
      HOME: sandbox.folder, // no key of the real user's
      GTR_TRANSPORTS: "nostr",
      ...more,
    });

  title("A relay, which passes on signed notes, and a Blossom server, which keeps files.");
  say(`  relay: ${relay.url}   Blossom: ${blossom.url}   Neither knows git.`);

  title("Alice tells gtr of both and shares a repository. There is no account to make.");
  const alice = await node("Alice", {
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_BLOSSOM: blossom.url,
  });
  await makeHistory(alice, NAME);
  const init = await alice.run(["gtr", "init"], { cwd: `${alice.folder}/${NAME}` });
  const url = init.stdout.trim();
  show(alice, "gtr init", init, url);
  const who = await alice.gtr("nostr", "whoami");
  show(alice, "gtr nostr whoami", who, who.stdout);

  title("Bob has set nothing: the address says whose it is, and which relay to ask.");
  const bob = await node("Bob");
  show(bob, "git clone nostr://npub1.../hello", await bob.git(".", "clone", "--quiet", url));
  const log = await bob.git(NAME, "log", "--oneline", "-3");
  show(bob, "git log --oneline -3", log, log.stdout);
  same("Bob's clone", await headOf(bob, NAME), await headOf(alice, NAME));

  title("Alice commits. There is no push to remember: her gtd publishes it.");
  const committed = await commit(alice, NAME, "news.txt", "Something new.\n");
  const since = performance.now();
  const tip = await headOf(alice, NAME);
  show(alice, "git commit -m 'Write news.txt'", committed);
  const ms = await seen(bob, url, "refs/heads/main", tip, since);
  say(`  ${(ms / 1000).toFixed(2)} s later, Bob's git sees it.`);
  show(bob, "git pull", await bob.git(NAME, "pull", "--quiet"));
  same("Bob's main", await headOf(bob, NAME), tip);

  title("Alice and Bob go offline. Carol clones all the same: from the servers.");
  show(alice, "gtr daemon stop", await alice.gtr("daemon", "stop"));
  await bob.gtr("daemon", "stop");
  const carol = await node("Carol");
  await blossom.turn("tamper", true);
  const refused = await carol.run(["git", "clone", "--quiet", url], { allowFail: true });
  if (refused.code === 0) throw new Error("Carol took what the server had changed");
  show(carol, "git clone ...", refused, "refused: the server has changed one byte of the pack");
  await blossom.turn("tamper", false);
  show(carol, "git clone ...", await carol.git(".", "clone", "--quiet", url));
  same("Carol's clone", await headOf(carol, NAME), tip);
  show(carol, "git fsck", await carol.git(NAME, "fsck", "--no-progress"));
  say("  The same commits, signed by Alice and verified by Carol's gtd.");
}

await play(demo);
