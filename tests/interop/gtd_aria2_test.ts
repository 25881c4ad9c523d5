/** aria2c and the real gtd: packs by magnet link, over a private DHT. */
import { Node } from "../e2e/node.ts";
import { assertPacks, shareTwoPacks, SWARM_ONLY } from "./gtd_fixture.ts";
import { checkWith, Fixture, Program } from "./swarm_fixture.ts";

checkWith(
  "aria2c",
  ["aria2c", "--version"],
  "aria2c downloads the packs of gtd by magnet links, over the DHT",
  async () => {
    await using fixture = await Fixture.make();
    await using alice = await Node.make("none", SWARM_ONLY);
    const shared = await shareTwoPacks(alice);
    const options = [
      "--no-conf",
      "--interface=127.0.0.1",
      "--enable-dht=true",
      `--dht-entry-point=${await alice.dht()}`,
      `--dht-file-path=${fixture.directory}/dht.dat`,
      "--enable-dht6=false",
      "--bt-enable-lpd=false",
      "--seed-time=0",
      `--dir=${fixture.directory}`,
    ];
    // aria2 asks the DHT again only after 5 s, and dials 10 s after it has the metadata: both packs
    // share these.
    const magnets = shared.packs.map((pack) => pack.magnet);
    await using aria2 = new Program("aria2c", [...options, "--force-sequential", ...magnets]);
    await aria2.ended();
    await assertPacks(fixture.directory, shared);
  },
);
