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

// Transmission never connects to a peer at a loopback address: this machine's own other one is used.
const host = Deno.networkInterfaces()
  .find(({ family, address }) => family === "IPv4" && !address.startsWith("127."))?.address;

checkWith(
  "transmission-cli and a network address",
  host !== undefined && ["transmission-cli", "--version"],
  "transmission downloads from our swarm",
  async () => {
    await using fixture = await Fixture.make();
    const torrent = interopTorrent();
    const seed = await fixture.seeder(torrent, { host });
    const { announce } = await tracker(fixture, seed.port, host);
    const file = await torrentFile(fixture, torrent, announce);
    const settings = join(fixture.directory, "settings");
    await Deno.mkdir(settings);
    await Deno.writeTextFile(
      join(settings, "settings.json"),
      JSON.stringify({
        "dht-enabled": false,
        "lpd-enabled": false,
        "utp-enabled": false,
        "port-forwarding-enabled": false,
        "bind-address-ipv4": host,
        "peer-port-random-on-start": true,
      }),
    );
    const options = ["--config-dir", settings, "--download-dir", fixture.directory, "--no-portmap"];
    // It never ends by itself: once it seeds, it has everything.
    await using transmission = new Program("transmission-cli", [...options, file]);
    await transmission.line(/Seeding/, 120);
    await assertWhole(join(fixture.directory, torrent.name), torrent);
  },
);
