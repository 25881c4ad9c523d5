/** libtorrent and the real gtd on hosts that have IPv6 alone: its DHT, and packs both ways. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { addressOf, DualStack } from "./dual_stack.ts";
import { assertPacks, packTorrent, shareTwoPacks } from "./gtd_fixture.ts";
import { answer, checkLibtorrent, libtorrentIn } from "./libtorrent_fixture.ts";
import { hasNamespaces } from "./namespace.ts";
import { Fixture, torrentFile } from "./swarm_fixture.ts";

const reason = hasNamespaces() ? "" : " (needs root and iproute2)";

function check(name: string, fn: () => Promise<void>): void {
  if (reason === "") checkLibtorrent(`IPv6: ${name}`, fn);
  else Deno.test({ name: `IPv6: ${name}${reason}`, ignore: true, fn });
}

check("gtd clones a repository whose packs only libtorrent seeds", async () => {
  await using fixture = await Fixture.make();
  await using world = new DualStack([6], [6], [6], [6]);
  const bootstrap = await (await world.join(1)).dht();
  const [alice, bob] = [await world.join(2), await world.join(3)];
  const shared = await shareTwoPacks(alice);
  await using seeds = new AsyncDisposableStack();
  for (const pack of shared.packs) {
    const torrent = await packTorrent(alice, pack);
    await Deno.writeFile(join(fixture.directory, torrent.name), torrent.bytes);
    const file = await torrentFile(fixture, torrent, "");
    const seed = [bootstrap, "seed", file, fixture.directory];
    await answer(seeds.use(libtorrentIn(world.host(4), "libtorrent_dht.py", ...seed)));
  }
  await alice.stopGtd();
  await bob.git("clone", "-q", shared.url, "copy");
  const copy = bob.path("copy");
  assert.equal(await bob.gitIn(copy, "rev-parse", "HEAD"), shared.oid);
  await bob.gitIn(copy, "fsck", "--full", "--strict");
});

check("libtorrent gets the packs that gtd seeds", async () => {
  await using fixture = await Fixture.make();
  await using world = new DualStack([6], [6]);
  const alice = await world.join(1);
  const shared = await shareTwoPacks(alice);
  const port = /:(\d+)$/.exec(await alice.dht())![1]!;
  for (const pack of shared.packs) {
    const file = await torrentFile(fixture, await packTorrent(alice, pack), "");
    const get = ["get", file, fixture.directory, port, addressOf(1, 6)];
    await using peer = libtorrentIn(world.host(2), "libtorrent_peer.py", ...get);
    await peer.line(/^done$/);
  }
  await assertPacks(fixture.directory, shared);
});

check("libtorrent gets the records that gtd put", async () => {
  await using world = new DualStack([6], [6], [6]);
  const hub = await world.join(1);
  const alice = await world.join(2);
  const { url, oid } = await shareTwoPacks(alice);
  await hub.untilPublished(url, "refs/heads/main", oid);
  const { publicKey } = JSON.parse(await alice.gtr("id", "--json"));
  const get = [await hub.dht(), "get", publicKey, "hello"];
  await using program = libtorrentIn(world.host(3), "libtorrent_dht.py", ...get);
  const record = await answer(program);
  assert.equal(record.salt, "hello");
  assert.ok(Number(record.seq) > 0 && String(record.value).length > 0);
});
