/**
 * Hosts on one switch that have IPv6 alone, IPv4 alone, or both, and gtds on them.
 *
 * @module
 */
import { Node } from "../e2e/node.ts";
import { LocalNetwork } from "./local_network.ts";
import { ip } from "./namespace.ts";

/** As after the installation, but for packs: only peers have them, none are in the DHT. */
const FRESH = { GTR_TRANSPORTS: "torrent", GTR_TORRENT_HOST: "", GTR_TORRENT_DHTPACKS: "0" };

/** Of IP. */
export type Family = 4 | 6;
/** A host that has both. */
export const BOTH = [4, 6] as const;

/** Addresses that everybody may dial: they are those of examples (RFC 3849, 5737). */
export const addressOf = (n: number, family: Family) =>
  family === 4 ? `198.51.100.${n}` : `2001:db8:7::${n}`;

/** Hosts on one switch, and people on them. Disposing of it ends all. */
export class DualStack implements AsyncDisposable {
  readonly network: LocalNetwork;
  readonly #nodes: Node[] = [];
  #bootstrap = "none";

  constructor(...families: (readonly Family[])[]) {
    this.network = new LocalNetwork(families.length);
    families.forEach((list, i) => {
      LocalNetwork.move(this.host(i + 1), i + 1, "del");
      for (const family of list) this.change(i + 1, family, "add");
    });
  }

  /** Gives the n-th host, from 1, an address, or takes it away. */
  change(n: number, family: Family, change: "add" | "del"): void {
    const address = `${addressOf(n, family)}/${family === 4 ? 24 : 64}`;
    const options = family === 6 && change === "add" ? ["nodad"] : [];
    ip("-n", this.host(n), "addr", change, address, "dev", "net", ...options);
  }

  host(n: number): string {
    return this.network.hosts[n - 1]!;
  }

  /** Sets the host's kernel. */
  sysctl(n: number, setting: string): void {
    ip("netns", "exec", this.host(n), "sysctl", "-q", "-w", setting);
  }

  /** A gtd that runs on the n-th host; the first one begins the network. */
  async join(n: number, env: Record<string, string> = {}): Promise<Node> {
    const node = await Node.make(this.#bootstrap, { ...FRESH, ...env }, this.host(n));
    this.#nodes.push(node);
    const dht = await node.dht();
    if (this.#bootstrap === "none") this.#bootstrap = dht;
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    this.network[Symbol.dispose]();
  }
}
