/** transmission-cli, kept to this machine. */
import { join } from "node:path";
import { checkWith, type Fixture, Program } from "./swarm_fixture.ts";

// Transmission never connects to a peer at a loopback address: this machine's own other one is used.
const host = Deno.networkInterfaces()
  .find(({ family, address }) => family === "IPv4" && !address.startsWith("127."))?.address;

/** Registers a check that needs transmission; `host` is where its peers have to listen. */
export function checkTransmission(name: string, check: (host: string) => Promise<void>): void {
  checkWith(
    "transmission-cli and a network address",
    host !== undefined && ["transmission-cli", "--version"],
    name,
    () => check(host!),
  );
}

/**
 * Downloads into the fixture's folder. It never ends by itself: once it prints "Seeding", it has
 * everything.
 *
 * @param torrent a .torrent file or a magnet link
 */
export async function transmission(fixture: Fixture, torrent: string): Promise<Program> {
  const settings = await Deno.makeTempDir({ dir: fixture.directory, prefix: "settings-" });
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
  return new Program("transmission-cli", [...options, torrent]);
}
