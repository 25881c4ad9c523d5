/** transmission-cli and the real gtd: a .torrent file and a magnet link, and a tracker that names gtd. */
import { Node } from "../e2e/node.ts";
import { assertPacks, packTorrent, shareTwoPacks, SWARM_ONLY } from "./gtd_fixture.ts";
import { Fixture, torrentFile, tracker } from "./swarm_fixture.ts";
import { checkTransmission, transmission } from "./transmission_fixture.ts";

checkTransmission(
  "transmission downloads the packs of gtd, by .torrent file and by magnet link",
  import.meta.url,
  async (host) => {
    await using fixture = await Fixture.make();
    await using alice = await Node.make("none", { ...SWARM_ONLY, GTR_TORRENT_HOST: host });
    const shared = await shareTwoPacks(alice);
    const [large, small] = shared.packs;
    const port = Number((await alice.status()).transports.torrent.listen.split(":")[1]);
    const { announce } = await tracker(fixture, port, host);
    const file = await torrentFile(fixture, await packTorrent(alice, large!), announce);
    const magnet = `${small!.magnet}&tr=${encodeURIComponent(announce)}`;
    await using first = await transmission(fixture, file);
    await using second = await transmission(fixture, magnet);
    await Promise.all([first, second].map((program) => program.line(/Seeding/)));
    await assertPacks(fixture.directory, shared);
  },
);
