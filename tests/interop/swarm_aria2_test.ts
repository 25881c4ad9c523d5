import { join } from "node:path";
import {
  assertWhole,
  checkWith,
  Fixture,
  interopTorrent,
  Program,
  torrentFile,
  tracker,
} from "./swarm_fixture.ts";

checkWith("aria2c", ["aria2c", "--version"], "aria2c downloads from our swarm", async () => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const seed = await fixture.seeder(torrent);
  const { announce } = await tracker(fixture, seed.port);
  const file = await torrentFile(fixture, torrent, announce);
  const options = [
    "--no-conf",
    "--enable-dht=false",
    "--enable-dht6=false",
    "--bt-enable-lpd=false",
    "--seed-time=0",
    `--dir=${fixture.directory}`,
  ];
  await using aria2 = new Program("aria2c", [...options, file]);
  await aria2.ended();
  await assertWhole(join(fixture.directory, torrent.name), torrent);
});

checkWith(
  "aria2c",
  ["aria2c", "--version"],
  "aria2c downloads from our swarm by magnet link, encrypted",
  async () => {
    await using fixture = await Fixture.make();
    const torrent = interopTorrent();
    const seed = await fixture.seeder(torrent);
    const { announce } = await tracker(fixture, seed.port);
    const magnet = `magnet:?xt=urn:btih:${torrent.infohash}&tr=${encodeURIComponent(announce)}`;
    const options = [
      "--no-conf",
      "--enable-dht=false",
      "--enable-dht6=false",
      "--bt-enable-lpd=false",
      "--seed-time=0",
      "--bt-force-encryption=true",
      `--dir=${fixture.directory}`,
    ];
    await using aria2 = new Program("aria2c", [...options, magnet]);
    await aria2.ended();
    await assertWhole(join(fixture.directory, torrent.name), torrent);
  },
);
