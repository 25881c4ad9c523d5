/**
 * Homes, each behind a router with network address translation (nftables), and a public network
 * between them, all in network namespaces. The first two, named a and b:
 *
 *     a 192.168.1.2, 2607:7700:1::2 - router 11.77.1.1, 2607:7700::1:1 -+- public: 11.77.0.1 to
 *     b 192.168.2.2, 2607:7700:2::2 - router 11.77.2.1, 2607:7700::2:1 -+  11.77.0.8, 2607:7700::ffff
 *
 * Addresses outside look like public ones, as programs treat private ones otherwise; nothing leads
 * out of the namespaces.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { ip } from "./namespace.ts";

/**
 * How a router translates, in the words of RFC 3489; "open" lets everything in besides, TCP too. IPv6
 * is never translated: "open" and "full cone" let everything in, others what was asked for.
 */
export type Nat = "open" | "full cone" | "port-restricted" | "symmetric";

/** Public addresses, for a node of the DHT each. */
export const PUBLIC_HOSTS: readonly string[] = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `11.77.0.${n}`);

/** The public network's IPv6 address. */
export const PUBLIC_HOST6 = "2607:7700::ffff";

/** Of one home. */
export interface Home {
  /** Computers behind the router; 1 by default. */
  readonly hosts?: number;
  /** "dual" by default: IPv4 by translation, and IPv6. */
  readonly family?: 4 | 6 | "dual";
}

/** The namespaces; disposing of them ends the network. */
export class NatNetwork<Name extends string = "a" | "b"> implements Disposable {
  readonly #prefix = `gtr-${crypto.randomUUID().slice(0, 8)}`;
  readonly #homes: readonly (readonly [Name, Home])[];
  readonly #made: string[] = [];
  readonly #restarts = new Map<Name, number>();

  /** By default two homes, `a` and `b`, without IPv6. */
  constructor(homes?: Readonly<Record<Name, Home>>) {
    const two = { a: { family: 4 }, b: { family: 4 } } as Record<Name, Home>;
    this.#homes = Object.entries(homes ?? two) as [Name, Home][];
    try {
      this.#build();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The namespace of a home's n-th computer, from 1. */
  host(home: Name, n = 1): string {
    return `${this.#prefix}-${home}${n}`;
  }

  /** The namespace of a home's router. */
  router(home: Name): string {
    return `${this.#prefix}-${home}`;
  }

  /** The namespace of the public network. */
  get public(): string {
    return `${this.#prefix}-public`;
  }

  /** What a home's packets come from, outside. */
  outside(home: Name): string {
    return `11.77.${this.#number(home)}.${1 + (this.#restarts.get(home) ?? 0)}`;
  }

  /**
   * Sets how a home's router translates from now on; it forgets all connections.
   *
   * @param nat6 whom it lets in of IPv6, where that differs
   */
  translate(home: Name, nat: Nat, nat6: Nat = nat): void {
    const inside = `192.168.${this.#number(home)}.2`;
    const forwarded = { "open": "ip protocol { tcp, udp }", "full cone": "ip protocol udp" };
    const some = nat === "open" || nat === "full cone";
    const some6 = nat6 === "open" || nat6 === "full cone";
    const drop = 'iifname "out" ct state new drop';
    // What nobody asked for ends at the router without an answer.
    const rules = `flush ruleset
      table ip nat {
        chain in { type nat hook prerouting priority dstnat;
          ${some ? `iifname "out" ${forwarded[nat]} dnat to ${inside}` : ""}
        }
        chain out { type nat hook postrouting priority srcnat;
          oifname "out" masquerade ${nat === "symmetric" ? "fully-random" : ""}
        }
      }
      table ip filter {
        chain in { type filter hook input priority filter; iifname "out" drop; }
        chain through { type filter hook forward priority filter;
          ${some ? "" : drop}
        }
      }
      table ip6 filter {
        chain through { type filter hook forward priority filter;
          ${some6 ? "" : drop}
        }
      }`;
    runIn(this.router(home), ["nft", "-f", "-"], rules);
  }

  /** A home's way out carries so much from now on, as tc-tbf(8) reads it: "20mbit". */
  limit(home: Name, rate: string): void {
    const shape = ["tbf", "rate", rate, "burst", "64kb", "latency", "300ms"];
    runIn(this.router(home), ["tc", "qdisc", "replace", "dev", "out", "root", ...shape]);
  }

  /**
   * Restarts a home's router: it knows no connection any more, and has another address, as where the
   * provider gives one each time.
   */
  restart(home: Name): void {
    const router = this.router(home);
    this.#restarts.set(home, 1 + (this.#restarts.get(home) ?? 0));
    ip("-n", router, "link", "set", "out", "down"); // with this the kernel forgets what it translates
    ip("-n", router, "-4", "addr", "flush", "dev", "out");
    ip("-n", router, "addr", "add", `${this.outside(home)}/16`, "dev", "out");
    ip("-n", router, "link", "set", "out", "up");
  }

  /** Takes a computer off its network. */
  unplug(home: Name, n = 1): void {
    ip("-n", this.host(home, n), "link", "set", "net", "down");
  }

  /** Puts it back, with an address that is new with each `lease`. */
  plug(home: Name, n = 1, lease = 0): void {
    const host = this.host(home, n);
    const number = this.#number(home);
    ip("-n", host, "link", "set", "net", "up");
    ip("-n", host, "-4", "addr", "flush", "dev", "net");
    ip("-n", host, "addr", "add", `192.168.${number}.${1 + n + 10 * lease}/24`, "dev", "net");
    ip("-n", host, "route", "replace", "default", "via", `192.168.${number}.1`);
  }

  [Symbol.dispose](): void {
    for (const name of this.#made.splice(0)) ip("netns", "delete", name);
  }

  #number(home: Name): number {
    return this.#homes.findIndex(([name]) => name === home) + 1;
  }

  #build(): void {
    const center = this.#add(this.public);
    ip("-n", center, "link", "add", "bridge", "type", "bridge");
    ip("-n", center, "link", "set", "bridge", "up");
    for (const host of PUBLIC_HOSTS) ip("-n", center, "addr", "add", `${host}/16`, "dev", "bridge");
    address6(center, `${PUBLIC_HOST6}/64`, "bridge");
    runIn(center, ["sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1"]);
    for (const [name, home] of this.#homes) this.#buildHome(center, name, home);
  }

  #buildHome(center: string, name: Name, { hosts = 1, family = "dual" }: Home): void {
    const n = this.#number(name);
    const router = this.#add(this.router(name));
    connect(center, `to-${n}`, router, "out");
    ip("-n", center, "link", "set", `to-${n}`, "master", "bridge");
    ip("-n", router, "link", "add", "in", "type", "bridge", "mcast_snooping", "0");
    ip("-n", router, "link", "set", "in", "up");
    if (family !== 6) {
      ip("-n", router, "addr", "add", `${this.outside(name)}/16`, "dev", "out");
      ip("-n", router, "addr", "add", `192.168.${n}.1/24`, "dev", "in");
    }
    if (family !== 4) {
      address6(router, `2607:7700::${n}:1/64`, "out");
      address6(router, `2607:7700:${n}::1/64`, "in");
      ip("-n", router, "-6", "route", "add", "default", "via", PUBLIC_HOST6);
      ip("-n", center, "-6", "route", "add", `2607:7700:${n}::/64`, "via", `2607:7700::${n}:1`);
    }
    runIn(router, ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
    runIn(router, ["sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1"]);
    for (let i = 1; i <= hosts; i++) {
      const host = this.#add(this.host(name, i));
      connect(router, `in${i}`, host, "net");
      ip("-n", router, "link", "set", `in${i}`, "master", "in");
      if (family !== 6) {
        ip("-n", host, "addr", "add", `192.168.${n}.${1 + i}/24`, "dev", "net");
        ip("-n", host, "route", "add", "default", "via", `192.168.${n}.1`);
      }
      if (family !== 4) {
        address6(host, `2607:7700:${n}::${1 + i}/64`, "net");
        ip("-n", host, "-6", "route", "add", "default", "via", `2607:7700:${n}::1`);
      }
    }
  }

  #add(name: string): string {
    ip("netns", "add", name);
    this.#made.push(name);
    ip("-n", name, "link", "set", "lo", "up");
    return name;
  }
}

function connect(one: string, device: string, other: string, peer: string): void {
  ip("-n", one, "link", "add", device, "type", "veth", "peer", "name", peer, "netns", other);
  ip("-n", one, "link", "set", device, "up");
  ip("-n", other, "link", "set", peer, "up");
}

/** At once, without asking whether another has it. */
function address6(namespace: string, address: string, device: string): void {
  ip("-n", namespace, "-6", "addr", "add", address, "dev", device, "nodad");
}

/** Runs a program in a namespace. */
function runIn(namespace: string, command: readonly string[], input = ""): void {
  const args = ["netns", "exec", namespace, ...command];
  const { status, stderr, error } = spawnSync("ip", args, { input, encoding: "utf8" });
  assert.ok(status === 0, `ip ${args.join(" ")}: ${error?.message ?? stderr}`);
}

/** Why such a network can't be made here; undefined where it can. */
export function cantTranslate(): string | undefined {
  try {
    using network = new NatNetwork();
    network.translate("a", "symmetric");
    return undefined;
  } catch (error) {
    return `needs root, iproute2 and nftables: ${(error as Error).message.split("\n")[0]}`;
  }
}
