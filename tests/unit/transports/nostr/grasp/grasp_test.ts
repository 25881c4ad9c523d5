/** Pushes to a GRASP server that is a process of its own, with real git on both sides. */
import assert from "node:assert/strict";
import { GtrError } from "../../../../../lib/common/errors.ts";
import { peelTags } from "../../../../../lib/git_interface/peel_tags.ts";
import { spawnUploadPack } from "../../../../../lib/git_interface/upload_pack.ts";
import type { SignedManifest } from "../../../../../lib/manifest/types.ts";
import type { LiveSource } from "../../../../../lib/ports/streams.ts";
import { encodeAnnouncement } from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import type { NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import { encodeState } from "../../../../../lib/transports/nostr/repositories/state.ts";
import { graspPlace } from "../../../../../lib/transports/nostr/grasp/place.ts";
import { pushToGrasp } from "../../../../../lib/transports/nostr/grasp/push.ts";
import { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { startGrasp } from "../../../../fixtures/nostr/servers.ts";
import { commit, git, gitDirOf, initRepository, tempDir } from "../../../git_interface/fixture.ts";
import { manifest } from "../../../manifest/fixture.ts";
import { alice, counting, signed } from "../fixture.ts";

const signal = () => AbortSignal.timeout(100_000);
let clock = Math.floor(Date.now() / 1000) - 1000;

/** A repository of Alice's, a server, and what pushes the one to the other. */
async function setting() {
  const temp = await tempDir();
  const grasp = await startGrasp(`${temp.path}/grasp`);
  const work = await initRepository(`${temp.path}/hello`);
  const relays = new Relays({ dropped: counting().dropped });
  const place = graspPlace(grasp.url, alice.pubkey, "hello");

  /** The refs of the repository, as its publisher would sign them now. */
  async function publication(told = place) {
    const lines = (await git(work, ["for-each-ref", "--format=%(refname) %(objectname)"]))
      .split("\n").filter(Boolean);
    const refs = new Map(lines.map((line) => line.split(" ") as [string, string]));
    const head = "refs/heads/main";
    const peeled = await peelTags(gitDirOf(work), [...refs.values()]);
    const events: NostrEvent[] = [
      signed(
        alice,
        encodeAnnouncement({
          ...{ identifier: "hello", clone: [told.clone], relays: [told.relay] },
          ...{ web: [], blossoms: [], maintainers: [] },
        }, ++clock),
      ),
      signed(
        alice,
        encodeState({
          ...{ identifier: "hello", refs, head },
          peeled: new Map(
            [...refs].flatMap(([ref, oid]) =>
              peeled.has(oid) ? [[ref, peeled.get(oid)!] as const] : []
            ),
          ),
        }, ++clock),
      ),
    ];
    const source: LiveSource = {
      manifest: { manifest: manifest({ refs: Object.fromEntries(refs) }) } as SignedManifest,
      open: async (signal) => {
        const git = await spawnUploadPack(gitDirOf(work), { protocol: 2, signal });
        return { readable: git.stdout, writable: git.stdin };
      },
    };
    return { pubkey: alice.pubkey, events, source };
  }

  const push = async (told = place) =>
    await pushToGrasp(grasp.url, await publication(told), relays, { signal: signal() });
  const there = async () =>
    (await git(temp.path, ["ls-remote", place.clone])).split("\n")
      .filter((line) => !line.endsWith("^{}")).map((line) => line.replace("\t", " ")).sort();
  const here = async () => {
    const format = "--format=%(objectname) %(refname)";
    return (await git(work, ["for-each-ref", format])).split("\n").sort();
  };
  return {
    ...{ temp, grasp, work, relays, place, push, there, here, publication },
    async [Symbol.asyncDispose]() {
      relays[Symbol.dispose]();
      await grasp[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

Deno.test("grasp: a repository is pushed, kept up to date, and plain git clones it", async () => {
  await using s = await setting();
  await commit(s.work, "one.bin", 100_000);
  await git(s.work, ["tag", "-a", "-m", "first", "v1"]);
  await git(s.work, ["branch", "topic"]);
  assert.equal(await s.push(), true);
  const head = `${await git(s.work, ["rev-parse", "main"])} HEAD`;
  assert.deepEqual(await s.there(), [...await s.here(), head].sort());
  assert.equal(await s.push(), false, "there is nothing to push");

  // A fast-forward, a forced one, a new branch where a deleted one was in the way.
  const tip = await commit(s.work, "two.bin", 5000);
  await git(s.work, ["branch", "-D", "topic"]);
  await git(s.work, ["branch", "topic/sub", "main~1"]);
  assert.equal(await s.push(), true);
  await git(s.work, ["reset", "-q", "--hard", "HEAD~1"]);
  await commit(s.work, "three.bin", 5000);
  assert.equal(await s.push(), true);
  assert((await s.there()).every((line) => !line.includes(tip)));
  await git(s.temp.path, ["clone", "-q", s.place.clone, "copy"]);
  await git(`${s.temp.path}/copy`, ["fsck", "--strict"]);
  const [ours, theirs] = await Promise.all(
    [s.work, `${s.temp.path}/copy`].map((path) => git(path, ["rev-parse", "main", "v1"])),
  );
  assert.equal(theirs, ours);
});

Deno.test("grasp: only deleting branches needs no pack", async () => {
  await using s = await setting();
  await commit(s.work, "one.bin");
  await git(s.work, ["branch", "topic"]);
  await s.push();
  await git(s.work, ["branch", "-D", "topic"]);
  assert.equal(await s.push(), true);
  assert.equal((await s.there()).length, 2);
});

Deno.test("grasp: what the server refuses is told, with its reason", async () => {
  await using s = await setting();
  await commit(s.work, "one.bin");
  const fails = (pattern: RegExp) => (error: unknown) =>
    error instanceof GtrError && pattern.test(error.message);
  const elsewhere = { ...s.place, clone: "https://elsewhere.example.org/x.git" };
  await assert.rejects(s.push(elsewhere), fails(/can't push hello to .*doesn't name this server/));

  const old = await s.publication();
  await commit(s.work, "two.bin");
  const unsigned = { ...await s.publication(), events: old.events };
  await assert.rejects(
    pushToGrasp(s.grasp.url, unsigned, s.relays, { signal: signal() }),
    fails(/it answers a push with 403/),
  );
  await s.grasp.kill();
  await assert.rejects(s.push(), fails(/can't (reach|publish)/));
});
