/** transmission-cli, in a network of its own. */
import { join } from "node:path";
import { hasNamespaces, HOST, isInside, testInside } from "./namespace.ts";
import { checkWith, type Fixture, Program } from "./swarm_fixture.ts";

/**
 * Registers a check that needs transmission. Transmission never connects to a peer at a loopback
 * address, so the check runs in a network of its own.
 *
 * @param module the test's own URL
 */
export function checkTransmission(
  name: string,
  module: string,
  check: (host: string) => Promise<void>,
): void {
  checkWith(
    "transmission-cli and network namespaces",
    hasNamespaces() && ["transmission-cli", "--version"],
    name,
    () => isInside() ? check(HOST) : testInside(module),
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
      "bind-address-ipv4": HOST,
      "peer-port-random-on-start": true,
    }),
  );
  const options = ["--config-dir", settings, "--download-dir", fixture.directory, "--no-portmap"];
  return new Program("transmission-cli", [...options, torrent]);
}
