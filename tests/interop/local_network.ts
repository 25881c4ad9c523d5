/**
 * Hosts on one switch, in network namespaces, and no route to anywhere else.
 *
 * @module
 */
import { ip, newName } from "./namespace.ts";

/** The namespaces; disposing of them ends the network. */
export class LocalNetwork implements Disposable {
  readonly #switch = newName();
  readonly hosts: readonly string[];

  constructor(count: number) {
    const made: string[] = [];
    this.hosts = made;
    try {
      ip("netns", "add", this.#switch);
      ip("-n", this.#switch, "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0");
      ip("-n", this.#switch, "link", "set", "bridge", "up");
      for (let n = 1; n <= count; n++) {
        const name = newName();
        ip("netns", "add", name);
        made.push(name);
        const other = ["peer", "name", "net", "netns", name];
        ip("-n", this.#switch, "link", "add", `port${n}`, "type", "veth", ...other);
        ip("-n", this.#switch, "link", "set", `port${n}`, "master", "bridge", "up");
        LocalNetwork.move(name, n, "add");
        for (const device of ["lo", "net"]) ip("-n", name, "link", "set", device, "up");
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Of the n-th host, from 1. */
  static address(n: number): string {
    return `192.168.7.${n}`;
  }

  /** Gives the n-th host its address, or takes it away. */
  static move(host: string, n: number, change: "add" | "del"): void {
    ip("-n", host, "addr", change, LocalNetwork.address(n) + "/24", "dev", "net");
  }

  [Symbol.dispose](): void {
    for (const name of [...this.hosts, this.#switch]) ip("netns", "delete", name);
  }
}
