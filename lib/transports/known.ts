/**
 * The networks that the project knows, whether a program was built with them or not.
 *
 * @module
 */
import { RequestError } from "../common/errors.ts";

/** Their names, which are the schemes of their addresses, in the order in which they are listed. */
export const KNOWN_NETWORKS: readonly string[] = [
  "torrent",
  "holepunch",
  "ssb",
  "gnunet",
  "nostr",
  "default",
];

/** The scheme of addresses that are looked for on every network. */
export const ANY_NETWORK = "gtr";

/**
 * Returns where a program can use the address `url`, as far as the network goes.
 *
 * @param builtIn names of the networks that the program was built with
 * @throws {RequestError} "network-left-out" for a network that another build can have,
 * "unknown-network" for one that no build has
 */
export function checkNetwork(url: string, builtIn: readonly string[]): void {
  const scheme = schemeOf(url);
  if (scheme === undefined || scheme === ANY_NETWORK || builtIn.includes(scheme)) return;
  checkLeftOut(url, builtIn);
  throw new RequestError(
    "unknown-network",
    `can't use ${scheme}:// addresses: no network is called ${scheme}`,
    { hint: `this gtr was built with ${builtIn.join(", ")}` },
  );
}

/**
 * Returns unless `url` is an address of a known network that the program was built without; git
 * knows URLs of many other kinds.
 *
 * @throws {RequestError} "network-left-out"
 */
export function checkLeftOut(url: string, builtIn: readonly string[]): void {
  const scheme = schemeOf(url);
  if (scheme === undefined || builtIn.includes(scheme) || !KNOWN_NETWORKS.includes(scheme)) return;
  const wanted = KNOWN_NETWORKS.filter((name) => name === scheme || builtIn.includes(name));
  throw new RequestError(
    "network-left-out",
    `can't use ${scheme}:// addresses: this gtr was built without ${scheme}; ` +
      `rebuild with make TRANSPORTS=${wanted.join(",")}`,
  );
}

/** The network of `ssb://...`, and of git's other form `ssb::...`. */
function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]{0,31}):(?:\/\/|:)/i.exec(url)?.[1]?.toLowerCase();
}
