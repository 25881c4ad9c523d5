/**
 * The events that gtr publishes, read by rust-nostr and by applesauce (gitworkshop's), which know
 * nothing of gtr; and theirs, read by gtr.
 */
import assert from "node:assert/strict";
import {
  Event,
  EventBuilder,
  GitRepositoryAnnouncement,
  Keys,
  Kind,
  loadWasmSync,
  PublicKey,
  Tag,
} from "@rust-nostr/nostr-sdk";
import { GitRepositoryFactory } from "applesauce-common/factories/git-repository";
import {
  getGitRepositoryCloneUrls,
  getGitRepositoryEarliestUniqueCommit,
  getGitRepositoryIdentifier,
  getGitRepositoryMaintainers,
  getGitRepositoryName,
  getGitRepositoryRelays,
  isValidGitRepository,
} from "applesauce-common/helpers/git-repository";
import { decode } from "nostr-tools/nip19";
import { finalizeEvent, generateSecretKey } from "nostr-tools/pure";
import { eventFault, isAuthentic } from "../../lib/transports/nostr/events/event.ts";
import { decodeAnnouncement } from "../../lib/transports/nostr/repositories/announcement.ts";
import { decodeState } from "../../lib/transports/nostr/repositories/state.ts";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { startBlossom, startGrasp, startRelay } from "../fixtures/nostr/servers.ts";
import { eventsOf } from "./nostr_fixture.ts";

loadWasmSync();
const OID = "1234567890abcdef1234567890abcdef12345678";
const now = () => Math.floor(Date.now() / 1000);

Deno.test("what gtr publishes is verified and read by rust-nostr and applesauce", async () => {
  await using relay = await startRelay();
  await using blossom = await startBlossom();
  const folder = await Deno.makeTempDir({ prefix: "gtr-grasp-" });
  await using grasp = await startGrasp(folder);
  await using user = await Node.make("none", {
    GTR_TRANSPORTS: "nostr",
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_BLOSSOM: blossom.url,
    GTR_NOSTR_GRASP: grasp.url,
  });
  const url = await user.share("hello");
  const tip = await user.gitIn(user.path("hello"), "rev-parse", "main");
  const npub = /npub1[a-z0-9]+/.exec(url)![0];
  const { data: pubkey } = decode(npub) as { data: string };
  assert.equal(PublicKey.parse(npub).toHex(), pubkey);

  // One relay that has it is enough for gtr to go on: this one may be a moment behind.
  let events: Awaited<ReturnType<typeof eventsOf>> = [];
  await until("the relay has them", async () => {
    events = await eventsOf(relay.url, { authors: [pubkey] });
    return events.map(({ kind }) => kind).sort().join() === "1063,30617,30618";
  });
  for (const event of events) {
    const read = Event.fromJson(JSON.stringify(event));
    assert(read.verify(), `kind ${event.kind}`);
    assert.equal(read.author.toBech32(), npub);
  }
  const announced = events.find(({ kind }) => kind === 30617)!;
  assert(isValidGitRepository(announced));
  assert.equal(getGitRepositoryIdentifier(announced), "hello");
  assert.equal(getGitRepositoryName(announced), "hello");
  assert.deepEqual(getGitRepositoryMaintainers(announced), [pubkey]);
  assert.equal(getGitRepositoryEarliestUniqueCommit(announced), tip); // the only one yet
  assert.deepEqual(
    getGitRepositoryRelays(announced).map((one) => one.replace(/\/$/, "")).sort(),
    [relay.url, grasp.url.replace("http", "ws")].sort(),
  );
  // Whoever has read this can clone it, with git alone.
  const [clone] = getGitRepositoryCloneUrls(announced);
  assert.equal(clone, `${grasp.url}/${npub}/hello.git`);
  await user.untilPublished(clone!, "refs/heads/main", tip);
  await user.git("clone", "-q", clone!, "plain");
  assert.equal(await user.gitIn(user.path("plain"), "rev-parse", "HEAD"), tip);

  await user.gtrIn(user.path("hello"), "share", "--flow", "put");
  const next = await user.commit("hello", "second", "two\n");
  await user.untilPublished(clone!, "refs/heads/main", next);

  const state = Event.fromJson(JSON.stringify(events.find(({ kind }) => kind === 30618)));
  const tags = state.tags.asVec().map((tag) => tag.asVec());
  assert.deepEqual(tags.find(([name]) => name === "refs/heads/main"), ["refs/heads/main", tip]);
  assert.deepEqual(tags.find(([name]) => name === "HEAD"), ["HEAD", "ref: refs/heads/main"]);
  assert.equal(state.tags.identifier(), "hello");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("packs in events are verified by rust-nostr", async () => {
  await using relay = await startRelay();
  await using user = await Node.make("none", {
    GTR_TRANSPORTS: "nostr",
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_EVENTPACKS: "1m",
  });
  await user.share("hello");
  const events = await eventsOf(relay.url, { kinds: [1063, 1064] });
  assert.deepEqual(events.map(({ kind }) => kind).sort(), [1063, 1064]);
  for (const event of events) assert(Event.fromJson(JSON.stringify(event)).verify());
});

Deno.test("announcements and states that rust-nostr and applesauce build are read", async () => {
  const keys = Keys.generate();
  const built = new GitRepositoryAnnouncement("tools");
  built.name = "Tools";
  built.clone = ["https://git.example.org/tools.git"];
  built.relays = ["wss://relay.example.org"];
  built.web = ["https://example.org/tools"];
  built.euc = OID;
  built.maintainers = [Keys.generate().publicKey];
  const maintainer = built.maintainers[0]!.toHex();
  const told = JSON.parse(
    EventBuilder.gitRepositoryAnnouncement(built).signWithKeys(keys).asJson(),
  );
  assert.deepEqual([eventFault(told, now()), isAuthentic(told)], [undefined, true]);
  const { event: _, ...announcement } = decodeAnnouncement(told)!;
  assert.deepEqual(announcement, {
    identifier: "tools",
    name: "Tools",
    description: undefined,
    clone: ["https://git.example.org/tools.git"],
    web: ["https://example.org/tools"],
    relays: ["wss://relay.example.org"],
    blossoms: [],
    maintainers: [maintainer],
    earliestUniqueCommit: OID,
  });

  const template = await GitRepositoryFactory.create("tools").name("Tools")
    .setCloneUrls(["https://git.example.org/tools.git"]).setRelays(["wss://relay.example.org"])
    .setWebUrls(["https://example.org/tools"]).earliestUniqueCommit(OID)
    .setMaintainers([maintainer]);
  const sauce = finalizeEvent(template, generateSecretKey());
  assert.equal(getGitRepositoryEarliestUniqueCommit(sauce), OID);
  const { event: __, ...same } = decodeAnnouncement(sauce)!;
  assert.deepEqual(same, announcement);

  const tags = [["d", "tools"], ["refs/heads/main", OID], ["HEAD", "ref: refs/heads/main"]];
  const state = JSON.parse(
    new EventBuilder(new Kind(30618), "").tags(tags.map((tag) => Tag.parse(tag)))
      .signWithKeys(keys).asJson(),
  );
  assert.deepEqual([eventFault(state, now()), isAuthentic(state)], [undefined, true]);
  const { refs, head } = decodeState(state)!;
  assert.deepEqual([...refs], [["refs/heads/main", OID]]);
  assert.equal(head, "refs/heads/main");
});
