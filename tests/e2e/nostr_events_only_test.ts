/** Repositories in nothing but relays, and relays that are down when they are to delete one. */
import assert from "node:assert/strict";
import { tagValue } from "../../lib/transports/nostr/events/event.ts";
import { askRelay, relayHere } from "../fixtures/nostr/relay_here.ts";
import { startRelay } from "../fixtures/nostr/servers.ts";
import { importHistory, noise } from "./history.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

const [ANNOUNCEMENT, STATE, FILE_METADATA, FILE_DATA] = [30617, 30618, 1063, 1064];

function join(relays: string, env: Record<string, string> = {}): Promise<Node> {
  return Node.make("none", { GTR_TRANSPORTS: "nostr", GTR_NOSTR_RELAYS: relays, ...env });
}

Deno.test("nostr: a repository in events is cloned, pulled and followed without its publisher", async () => {
  await using relay = await startRelay();
  await using alice = await join(relay.url, { GTR_NOSTR_EVENTPACKS: "8m" });
  await alice.git("init", "-q", "-b", "main", "hello");
  const work = alice.path("hello");
  const first = await alice.commit("hello", "noise", noise(3_000_000, 1));
  const url = await alice.gtrIn(work, "init");
  const [announcement] = await askRelay(relay.url, { kinds: [ANNOUNCEMENT] });
  assert.deepEqual(
    announcement!.tags.filter(([name]) => name === "r"),
    [["r", first, "euc"]],
  );
  await using bob = await join(relay.url);
  await bob.git("clone", "-q", url, "clone");
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), first);
  await bob.gitIn(bob.path("clone"), "fsck", "--full", "--strict");
  const second = await alice.commit("hello", "more", noise(100_000, 2));
  await bob.untilPublished(url, "refs/heads/main", second);
  await alice.killGtd(); // what was said to be published is
  await bob.gitIn(bob.path("clone"), "pull", "-q");
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), second);
  await using carol = await join(relay.url);
  await carol.gtr("follow", url);
  await carol.git("clone", "-q", url, "clone");
  assert.equal(await carol.gitIn(carol.path("clone"), "rev-parse", "HEAD"), second);
});

Deno.test("nostr: 1,500 tags without any server", async () => {
  await using relay = await startRelay();
  await using alice = await join(relay.url, { GTR_NOSTR_EVENTPACKS: "8m" });
  await importHistory(alice, "hello", 1500);
  const work = alice.path("hello");
  const commits = (await alice.gitIn(work, "rev-list", "main")).split("\n");
  const { code, stderr } = await alice.run("git", ["update-ref", "--stdin"], {
    cwd: work,
    stdin: commits.map((oid, i) => `create refs/tags/v${i} ${oid}\n`).join(""),
  });
  assert.equal(code, 0, stderr);
  const url = await alice.gtrIn(work, "init");
  await using bob = await join(relay.url);
  await bob.git("clone", "-q", url, "clone");
  const tags = (await bob.gitIn(bob.path("clone"), "tag")).split("\n");
  assert.equal(tags.length, 1500);
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "v0"), commits[0]);
});

Deno.test("nostr: gtr remove reaches a relay that is down, through a restart of gtd", async () => {
  await using up = relayHere();
  await using down = relayHere();
  const gone = { kinds: [ANNOUNCEMENT, STATE, FILE_METADATA, FILE_DATA] };
  await using alice = await join(`${up.url},${down.url}`, {
    GTR_NOSTR_EVENTPACKS: "1m",
    GTR_NOSTR_QUORUM: "2",
  });
  await alice.share("hello");
  await until("the second has it", async () => (await askRelay(down.url, gone)).length === 4);
  await alice.stopGtd();
  down.turn(false);
  await alice.gtrIn(alice.path("hello"), "remove", "main");
  await until("the first has deleted it", async () => (await askRelay(up.url, gone)).length === 0);
  await alice.killGtd();
  down.turn(true);
  const [state] = await askRelay(down.url, { kinds: [STATE] });
  assert.equal(tagValue(state!, "d"), "hello");
  await alice.gtr("daemon", "start");
  await until("the second too", async () => (await askRelay(down.url, gone)).length === 0);
});
