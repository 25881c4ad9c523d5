/**
 * Host and port pairs of the DHT: first nodes, and nodes met before.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../../../common/atomic_file.ts";
import { type Address, formatHostPort, parseAddress, parseHostPort } from "../address.ts";
import { type Family, familyOf } from "./contacts.ts";

/** Nodes that anyone may join the public DHT through. */
export const PUBLIC_BOOTSTRAP: readonly string[] = [
  "router.bittorrent.com:6881",
  "dht.libtorrent.org:25401",
  "dht.transmissionbt.com:6881",
  "router.utorrent.com:6881",
];

/** The addresses of one family of "host:port" names; those that can't be found are left out. */
export async function resolveHosts(names: readonly string[], family: Family): Promise<Address[]> {
  const found = await Promise.all(names.map(async (name) => {
    const parsed = parseHostPort(name);
    if (!parsed) return undefined;
    if (isIP(parsed.host)) return familyOf(parsed.host) === family ? parsed : undefined;
    return await lookup(parsed.host, { family })
      .then(({ address }) => ({ host: address, port: parsed.port }), () => undefined);
  }));
  return found.filter((address) => address !== undefined);
}

/** Nodes of one family. */
const MAX_KNOWN = 50;

const KnownFile = v.object({
  version: v.literal(1),
  /** The network that the nodes belong to. */
  bootstrap: v.string(),
  /** This node's own port, so that a restart keeps its address. */
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)),
  nodes: v.array(v.pipe(v.string(), v.maxLength(100))),
});

/** What a node remembers from one run to the next. It may be lost. */
export class KnownNodes {
  readonly #path: string;
  readonly #bootstrap: string;

  /** @param cache folder of the file */
  constructor(cache: string, bootstrap: readonly string[] | undefined) {
    this.#path = join(cache, "nodes.json");
    this.#bootstrap = bootstrap === undefined ? "public" : bootstrap.join();
  }

  /** The last port and, of the same network, nodes; nothing where the file is missing or damaged. */
  async load(): Promise<{ port: number; nodes: Address[] }> {
    const nothing = { port: 0, nodes: [] };
    const text = await readTextIfPresent(this.#path);
    if (text === undefined) return nothing;
    try {
      const file = v.parse(KnownFile, JSON.parse(text));
      if (file.bootstrap !== this.#bootstrap) return { port: file.port, nodes: [] };
      const nodes = file.nodes.slice(0, 2 * MAX_KNOWN).map(parseAddress)
        .filter((node) => node !== undefined);
      return { port: file.port, nodes };
    } catch {
      return nothing; // a cache: the bootstrap nodes do without it
    }
  }

  async save(port: number, nodes: readonly Address[]): Promise<void> {
    const file = {
      version: 1,
      bootstrap: this.#bootstrap,
      port,
      nodes: ([4, 6] as const).flatMap((family) =>
        nodes.filter(({ host }) => familyOf(host) === family).slice(0, MAX_KNOWN)
      ).map(formatHostPort),
    };
    await writeFileAtomic(this.#path, JSON.stringify(file) + "\n");
  }
}
