import { join } from "node:path";
import {
  assertWhole,
  checkWith,
  Fixture,
  interopTorrent,
  Program,
  torrentFile,
} from "./swarm_fixture.ts";

const PYTHON = "/usr/bin/python3"; // Debian's own, which has Debian's python3-libtorrent
const PEER = join(import.meta.dirname!, "libtorrent_peer.py");

function check(name: string, fn: () => Promise<void>): void {
  checkWith("python3-libtorrent", [PYTHON, "-c", "import libtorrent"], name, fn);
}

check("libtorrent downloads from our swarm", async () => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const seed = await fixture.seeder(torrent);
  const file = await torrentFile(fixture, torrent, "");
  const args = [PEER, "get", file, fixture.directory, String(seed.port)];
  await using libtorrent = new Program(PYTHON, args);
  await libtorrent.ended(60);
  await assertWhole(join(fixture.directory, torrent.name), torrent);
});

check("libtorrent downloads from our swarm by magnet link", async () => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const seed = await fixture.seeder(torrent);
  const magnet = `magnet:?xt=urn:btih:${torrent.infohash}`;
  const args = [PEER, "get", magnet, fixture.directory, String(seed.port)];
  await using libtorrent = new Program(PYTHON, args);
  await libtorrent.ended(60);
  await assertWhole(join(fixture.directory, torrent.name), torrent);
});

check("our swarm downloads from libtorrent only", async () => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const reader = await fixture.swarm();
  await Deno.writeFile(join(fixture.directory, torrent.name), torrent.bytes);
  const file = await torrentFile(fixture, torrent, "");
  await using libtorrent = new Program(PYTHON, [PEER, "seed", file, fixture.directory]);
  const port = Number((await libtorrent.line(/^port \d+$/, 30)).slice(5));
  await assertWhole(await fixture.fetch(reader, torrent, [port]), torrent);
});
