import { join } from "node:path";
import { assertWhole, Fixture, interopTorrent, torrentFile, tracker } from "./swarm_fixture.ts";
import { checkTransmission, transmission } from "./transmission_fixture.ts";

checkTransmission("transmission downloads from our swarm", async (host) => {
  await using fixture = await Fixture.make();
  const torrent = interopTorrent();
  const seed = await fixture.seeder(torrent, { host });
  const { announce } = await tracker(fixture, seed.port, host);
  await using program = await transmission(fixture, await torrentFile(fixture, torrent, announce));
  await program.line(/Seeding/, 120);
  await assertWhole(join(fixture.directory, torrent.name), torrent);
});
