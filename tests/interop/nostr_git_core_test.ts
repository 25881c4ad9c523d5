/**
 * The events that gtr publishes, read by `@nostr-git/core` (of budabit and flotilla), and its own, read
 * and cloned by gtr. The package names no licence, so it is installed for this test only.
 */
import assert from "node:assert/strict";
import { decode, npubEncode } from "nostr-tools/nip19";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import type { Event } from "nostr-tools";
import { decodeAnnouncement } from "../../lib/transports/nostr/repositories/announcement.ts";
import { eventFault, isAuthentic } from "../../lib/transports/nostr/events/event.ts";
import { decodeState } from "../../lib/transports/nostr/repositories/state.ts";
import { npmPackages } from "../../scripts/local/npm_packages.ts";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { serveGit } from "../fixtures/git_http.ts";
import { startBlossom, startRelay } from "../fixtures/nostr/servers.ts";
import { eventsOf, publishEvent } from "./nostr_fixture.ts";

const found = await npmPackages(
  ["@nostr-git/core@1.0.0-alpha.1"],
  "@nostr-git/core/events",
);
const reason = "reason" in found ? ` (${found.reason})` : "";

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `@nostr-git/core: ${name}${reason}`, ignore: reason !== "", fn: run });
}

// deno-lint-ignore no-explicit-any -- what another program prints
async function core(question: Record<string, unknown>): Promise<any> {
  assert("folder" in found);
  const child = new Deno.Command("node", {
    args: [`${import.meta.dirname}/nostr_git_core.mjs`, found.folder],
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(question)));
  await writer.close();
  const { success, stdout } = await child.output();
  assert(success);
  return JSON.parse(new TextDecoder().decode(stdout));
}

test("reads what gtr publishes", async () => {
  await using relay = await startRelay();
  await using blossom = await startBlossom();
  await using user = await Node.make("none", {
    GTR_TRANSPORTS: "nostr",
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_BLOSSOM: blossom.url,
  });
  await user.git("init", "-q", "hello");
  const tip = await user.commit("hello", "readme.txt", "hello\n");
  await user.gitIn(user.path("hello"), "tag", "-a", "-m", "one", "v1");
  const tag = await user.gitIn(user.path("hello"), "rev-parse", "v1");
  const url = await user.gtrIn(user.path("hello"), "init", "--description", "A greeting");
  const { data: pubkey } = decode(/npub1[a-z0-9]+/.exec(url)![0]) as { data: string };

  const kinds = [30617, 30618];
  let events: Event[] = [];
  await until("the relay has them", async () => {
    events = (await eventsOf(relay.url, { authors: [pubkey], kinds })).sort((a, b) =>
      a.kind - b.kind
    );
    return events.length === kinds.length;
  });
  const { parsed: [announcement, state] } = await core({ events });
  assert.equal(announcement.address, `30617:${pubkey}:hello`);
  assert.equal(announcement.name, "hello");
  assert.equal(announcement.description, "A greeting");
  assert.deepEqual(announcement.relays.map((one: string) => one.replace(/\/$/, "")), [relay.url]);
  assert.equal(state.repoId, "hello");
  assert.equal(state.head, "ref: refs/heads/main");
  const refs = new Map(state.refs.map(({ ref, commit }: Record<string, string>) => [ref, commit]));
  assert.deepEqual(Object.fromEntries(refs), {
    "refs/heads/main": tip,
    "refs/tags/v1": tag,
    "refs/tags/v1^{}": tip,
  });
});

test("what it builds is read and cloned by gtr", async () => {
  await using relay = await startRelay();
  await using user = await Node.make("none", { GTR_TRANSPORTS: "nostr" });
  await Deno.mkdir(user.path("server"));
  await using server = serveGit(user.path("server"));
  await user.git("init", "-q", "tools");
  const root = await user.commit("tools", "readme.txt", "hello\n");
  const tip = await user.commit("tools", "second.txt", "two\n");
  await user.gitIn(user.path("tools"), "tag", "v1");
  await user.git("clone", "-q", "--mirror", "tools", "server/tools.git");

  const secret = generateSecretKey();
  const pubkey = getPublicKey(secret);
  const maintainer = getPublicKey(generateSecretKey());
  const created_at = Math.floor(Date.now() / 1000) - 10;
  const clone = `${server.url}/tools.git`;
  const built = await core({
    announcements: [{
      repoId: "tools",
      name: "Tools",
      description: "Useful things",
      created_at,
      web: ["https://example.org/tools"],
      clone: [clone],
      relays: [relay.url],
      maintainers: [maintainer],
      hashtags: ["git"],
      earliestUniqueCommit: root,
    }],
    states: [{
      repoId: "tools",
      head: "main",
      created_at,
      refs: [
        { type: "heads", name: "main", commit: tip, ancestry: [root] },
        { type: "tags", name: "v1", commit: tip },
      ],
    }],
  });
  const announced = finalizeEvent(built.announcements[0], secret);
  const stated = finalizeEvent(built.states[0], secret);
  for (const event of [announced, stated]) {
    const plain = JSON.parse(JSON.stringify(event));
    assert.deepEqual([eventFault(plain, created_at), isAuthentic(plain)], [undefined, true]);
    await publishEvent(relay.url, JSON.stringify(event));
  }
  const { event: _, ...announcement } = decodeAnnouncement(announced)!;
  assert.deepEqual(announcement, {
    identifier: "tools",
    name: "Tools",
    description: "Useful things",
    clone: [clone],
    web: ["https://example.org/tools"],
    relays: [relay.url],
    blossoms: [],
    maintainers: [maintainer],
    earliestUniqueCommit: root,
  });
  const { refs, head } = decodeState(stated)!;
  assert.deepEqual(Object.fromEntries(refs), { "refs/heads/main": tip, "refs/tags/v1": tip });
  assert.equal(head, "refs/heads/main");

  await user.git(
    "clone",
    "-q",
    `nostr://${npubEncode(pubkey)}/${encodeURIComponent(relay.url)}/tools`,
    "clone",
  );
  assert.equal(await user.gitIn(user.path("clone"), "rev-parse", "HEAD", "v1"), `${tip}\n${tip}`);
});
