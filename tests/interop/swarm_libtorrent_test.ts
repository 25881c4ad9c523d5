import { join } from "node:path";
import { checkLibtorrent, libtorrent } from "./libtorrent_fixture.ts";
import { assertWhole, Fixture, interopTorrent, torrentFile } from "./swarm_fixture.ts";

const PEER = "libtorrent_peer.py";

checkLibtorrent("libtorrent downloads from our swarm", async () => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const seed = await fixture.seeder(torrent);
  const file = await torrentFile(fixture, torrent, "");
  await using peer = libtorrent(PEER, "get", file, fixture.directory, String(seed.port));
  await peer.ended();
  await assertWhole(join(fixture.directory, torrent.name), torrent);
});

checkLibtorrent("libtorrent downloads from our swarm by magnet link", async () => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const seed = await fixture.seeder(torrent);
  const magnet = `magnet:?xt=urn:btih:${torrent.infohash}`;
  await using peer = libtorrent(PEER, "get", magnet, fixture.directory, String(seed.port));
  await peer.ended();
  await assertWhole(join(fixture.directory, torrent.name), torrent);
});

checkLibtorrent("our swarm downloads from libtorrent only", async () => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const reader = await fixture.swarm();
  await Deno.writeFile(join(fixture.directory, torrent.name), torrent.bytes);
  const file = await torrentFile(fixture, torrent, "");
  await using peer = libtorrent(PEER, "seed", file, fixture.directory);
  const port = Number((await peer.line(/^port \d+$/)).slice(5));
  await assertWhole(await fixture.fetch(reader, torrent, [port]), torrent);
});
