/**
 * Two hosts, each behind a router with network address translation (nftables), and a public network
 * between them, all in network namespaces:
 *
 *     a 192.168.1.2 - router 10.77.1.1 -+- public: 10.77.0.1 to 10.77.0.8
 *     b 192.168.2.2 - router 10.77.2.1 -+
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { ip } from "./namespace.ts";

/** How a router translates, in the words of RFC 3489. */
export type Nat = "full cone" | "port-restricted" | "symmetric";

/** Public addresses with a node of the DHT each. */
export const PUBLIC_HOSTS: readonly string[] = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `10.77.0.${n}`);

const HOSTS = { a: 1, b: 2 } as const;

/** Which of the hosts. */
export type HostName = keyof typeof HOSTS;

/** The namespaces; disposing of them ends the network. */
export class NatNetwork implements Disposable {
  readonly #prefix = `gtr-${crypto.randomUUID().slice(0, 8)}`;
  readonly #made: string[] = [];

  constructor() {
    try {
      this.#build();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The namespace of a host, or of the public network. */
  namespace(name: HostName | "public"): string {
    return `${this.#prefix}-${name}`;
  }

  /** What a host's packets come from, outside. */
  outside(host: HostName): string {
    return `10.77.${HOSTS[host]}.1`;
  }

  /** Sets how a host's router translates from now on. */
  translate(host: HostName, nat: Nat): void {
    const inside = `192.168.${HOSTS[host]}.2`;
    // What nobody asked for ends at the router without an answer.
    const rules = `flush ruleset
      table ip nat {
        chain in { type nat hook prerouting priority dstnat;
          ${nat === "full cone" ? `iifname "out" meta l4proto udp dnat to ${inside}` : ""}
        }
        chain out { type nat hook postrouting priority srcnat;
          oifname "out" masquerade ${nat === "symmetric" ? "fully-random" : ""}
        }
      }
      table ip filter {
        chain in { type filter hook input priority filter; iifname "out" drop; }
        chain through { type filter hook forward priority filter;
          ${nat === "full cone" ? "" : 'iifname "out" ct state new drop'}
        }
      }`;
    run(["ip", "netns", "exec", this.#router(host), "nft", "-f", "-"], rules);
  }

  [Symbol.dispose](): void {
    for (const name of this.#made.splice(0)) ip("netns", "delete", name);
  }

  #build(): void {
    const center = this.#add(this.namespace("public"));
    ip("-n", center, "link", "add", "bridge", "type", "bridge");
    ip("-n", center, "link", "set", "bridge", "up");
    for (const host of PUBLIC_HOSTS) ip("-n", center, "addr", "add", `${host}/16`, "dev", "bridge");
    for (const [name, n] of Object.entries(HOSTS) as [HostName, number][]) {
      const host = this.#add(this.namespace(name));
      const router = this.#add(this.#router(name));
      this.#connect(center, `to-${name}`, router, "out");
      ip("-n", center, "link", "set", `to-${name}`, "master", "bridge");
      ip("-n", router, "addr", "add", `10.77.${n}.1/16`, "dev", "out");
      this.#connect(router, "in", host, "net");
      ip("-n", router, "addr", "add", `192.168.${n}.1/24`, "dev", "in");
      ip("-n", host, "addr", "add", `192.168.${n}.2/24`, "dev", "net");
      ip("-n", host, "route", "add", "default", "via", `192.168.${n}.1`);
      run(["ip", "netns", "exec", router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
    }
  }

  #router(host: HostName): string {
    return `${this.#prefix}-r${host}`;
  }

  #add(name: string): string {
    ip("netns", "add", name);
    this.#made.push(name);
    ip("-n", name, "link", "set", "lo", "up");
    return name;
  }

  #connect(one: string, device: string, other: string, peer: string): void {
    ip("-n", one, "link", "add", device, "type", "veth", "peer", "name", peer, "netns", other);
    ip("-n", one, "link", "set", device, "up");
    ip("-n", other, "link", "set", peer, "up");
  }
}

function run([program, ...args]: readonly string[], input = ""): void {
  const { status, stderr, error } = spawnSync(program!, args, { input, encoding: "utf8" });
  assert.ok(status === 0, `${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
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
