/**
 * Repositories as ngit publishes them: its events, written by hand as it writes them and signed by
 * rust-nostr, which it is made of; the objects on an ordinary git server.
 */
import assert from "node:assert/strict";
import { EventBuilder, Keys, Kind, loadWasmSync, Tag, Timestamp } from "@rust-nostr/nostr-sdk";
import { naddrEncode } from "nostr-tools/nip19";
import { Node } from "../e2e/node.ts";
import { serveGit } from "../fixtures/git_http.ts";
import { startRelay } from "../fixtures/nostr/servers.ts";
import { publishEvent } from "./nostr_fixture.ts";

loadWasmSync();
const IDENTIFIER = "Ada's tools";

/** A repository of Ada's with a maintainer, on a relay and a git server. */
async function setting() {
  const stack = new AsyncDisposableStack();
  const user = stack.use(await Node.make("none", { GTR_TRANSPORTS: "nostr" }));
  const relay = stack.use(await startRelay());
  await Deno.mkdir(user.path("server"));
  const server = stack.use(serveGit(user.path("server")));
  const [ada, bob] = [Keys.generate(), Keys.generate()];
  let clock = Math.floor(Date.now() / 1000) - 100;
  const publish = (keys: Keys, kind: number, tags: string[][]) =>
    publishEvent(
      relay.url,
      new EventBuilder(new Kind(kind), "")
        .tags(tags.map((tag) => Tag.parse(tag)))
        .customCreatedAt(Timestamp.fromSecs(++clock))
        .signWithKeys(keys).asJson(),
    );

  await user.git("init", "-q", "tools");
  await user.commit("tools", "readme.txt", "hello\n");
  const work = user.path("tools");
  await user.gitIn(work, "tag", "-a", "-m", "one", "v1");
  await user.git("clone", "-q", "--mirror", "tools", "server/tools.git");
  const root = await user.gitIn(work, "rev-parse", "HEAD");

  /** As `ngit init` does. */
  const announce = async () => {
    await publish(ada, 30617, [
      ["d", IDENTIFIER],
      ["r", root, "euc"],
      ["name", "Tools"],
      ["description", "Things that are useful"],
      ["clone", `${server.url}/tools.git`],
      ["web", ""],
      ["relays", relay.url],
      ["maintainers", ada.publicKey.toHex(), bob.publicKey.toHex()],
      ["alt", "git repository: Tools"],
    ]);
  };
  /** As `git push` to its remote helper does. */
  const state = async (keys: Keys) => {
    const listed = await user.gitIn(work, "show-ref", "--dereference");
    const refs = listed.split("\n").map((line) => line.split(" ").reverse());
    await publish(keys, 30618, [["d", IDENTIFIER], ["HEAD", "ref: refs/heads/main"], ...refs]);
  };
  const npub = ada.publicKey.toBech32();
  const url = `nostr://${npub}/${encodeURIComponent(relay.url)}/${encodeURIComponent(IDENTIFIER)}`;
  const naddr = naddrEncode({
    kind: 30617,
    pubkey: ada.publicKey.toHex(),
    identifier: IDENTIFIER,
    relays: [relay.url],
  });
  return {
    user,
    work,
    ada,
    bob,
    announce,
    state,
    url,
    naddr: `nostr://${naddr}`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("a repository of ngit's is cloned, pulled, and cloned in part", async () => {
  await using s = await setting();
  const { user, work } = s;
  await s.announce();
  await s.state(s.ada);
  await user.git("clone", "-q", s.url, "clone");
  const clone = user.path("clone");
  await user.gitIn(clone, "fsck", "--strict");
  const heads = () => user.gitIn(clone, "rev-parse", "HEAD", "v1");
  assert.equal(await heads(), await user.gitIn(work, "rev-parse", "main", "v1"));

  // The other maintainer pushes, and it is the newest state.
  const tip = await user.commit("tools", "second.txt", "two\n");
  await user.gitIn(work, "push", "-q", user.path("server/tools.git"), "main");
  await s.state(s.bob);
  await user.gitIn(clone, "pull", "-q");
  assert.equal(await user.gitIn(clone, "rev-parse", "HEAD"), tip);

  await user.git("clone", "-q", "--depth=1", s.naddr, "shallow");
  assert.equal(await user.gitIn(user.path("shallow"), "rev-list", "--count", "HEAD"), "1");
  assert.equal(await user.gtdPid().then((pid) => pid !== undefined), true);
});

Deno.test("a repository of ngit's: what can't be done with it is said", async () => {
  await using s = await setting();
  const { user } = s;
  const clone = user.path("clone");
  const fails = async (command: string, pattern: RegExp, cwd?: string) => {
    const [program, ...args] = command.split(" ") as [string, ...string[]];
    const { code, stderr } = await user.run(program, args, { cwd });
    assert.notEqual(code, 0);
    assert.match(stderr, pattern);
  };
  await fails(`git clone ${s.url} none`, /knows? no repository of this name/);
  await s.announce();
  await fails(`git clone ${s.url} none`, /have signed no branches/);
  await s.state(s.ada);
  await user.git("clone", "-q", s.url, "clone");
  await fails("git push origin HEAD:mine", /published without gtr/, clone);
  await fails(`gtr follow ${s.url}`, /not published with gtr[^]*hint: git clone and git fetch/);

  // The state says what no server has yet.
  const tip = await user.commit("tools", "second.txt", "two\n");
  await s.state(s.ada);
  await fails("git fetch", new RegExp(`doesn't have ${tip}: it is behind`), clone);
});
