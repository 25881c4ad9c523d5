/**
 * `make demo-nostr`: shares a repository over Nostr, with no git server and no peer, on this computer
 * only. The relay and the Blossom server are the tests' own; everything is gone when the demo ends.
 *
 * @module
 */
import { join } from "node:path";
import { startBlossom, startRelay } from "../tests/fixtures/nostr/servers.ts";
import type { LocalNode } from "./local/node.ts";
import type { Output } from "./local/run.ts";
import { Sandbox } from "./local/sandbox.ts";

const NAME = "hello";

const say = (text: string) => console.log(text);
const title = (text: string) => say(`\n${text}`);

/** Shows a command as a person would type it, and how long it took. */
function show(who: LocalNode, command: string, { ms }: Pick<Output, "ms">, result?: string): void {
  say(`  ${who.name.toLowerCase()}$ ${command}`.padEnd(76) + `  ${(ms / 1000).toFixed(2)} s`);
  for (const line of result?.trim().split("\n") ?? []) say(`    ${line}`);
}

async function commit(who: LocalNode, file: string, text: string): Promise<string> {
  await Deno.writeTextFile(join(who.folder, NAME, file), text);
  await who.git(NAME, "add", file);
  await who.git(NAME, "commit", "--quiet", "-m", `Write ${file}`);
  return await headOf(who);
}

async function headOf(who: LocalNode): Promise<string> {
  return (await who.git(NAME, "rev-parse", "HEAD")).stdout.trim();
}

async function same(what: string, who: LocalNode, oid: string): Promise<void> {
  const found = await headOf(who);
  if (found !== oid) throw new Error(`${what}: ${found} is not ${oid}`);
}

/** Asks with plain git until `who` sees `oid`; milliseconds since `since`. */
async function seen(who: LocalNode, url: string, oid: string, since: number): Promise<number> {
  const end = since + 20_000;
  while (performance.now() < end) {
    const { stdout } = await who.git(".", "ls-remote", url, "refs/heads/main");
    if (stdout.startsWith(oid)) return performance.now() - since;
  }
  throw new Error(`${who.name} did not see the new commit within 20 s`);
}

async function demo(sandbox: Sandbox): Promise<void> {
  const started = performance.now();
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
  await alice.git(".", "init", "--quiet", NAME);
  for (let i = 1; i <= 20; i++) {
    await commit(alice, `chapter-${i}.txt`, `Line of chapter ${i}.\n`.repeat(200));
  }
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
  await same("Bob's clone", bob, await headOf(alice));

  title("Alice commits. There is no push to remember: her gtd publishes it.");
  const tip = await commit(alice, "news.txt", "Something new.\n");
  const ms = await seen(bob, url, tip, performance.now());
  say(`  ${(ms / 1000).toFixed(2)} s later, Bob's git sees it.`);
  show(bob, "git pull", await bob.git(NAME, "pull", "--quiet"));
  await same("Bob's main", bob, tip);

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
  await same("Carol's clone", carol, tip);
  show(carol, "git fsck", await carol.git(NAME, "fsck", "--no-progress"));
  say("  The same commits, signed by Alice and verified by Carol's gtd.");

  title(`All of it took ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}

try {
  await Sandbox.with("gtr-demo-nostr-", demo);
} catch (error) {
  console.error(`demo: ${(error as Error).message}`);
  Deno.exit(1);
}
Deno.exit(0);
