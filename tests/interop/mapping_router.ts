/**
 * A home behind a router that maps ports (miniupnpd, nftables), in network namespaces:
 *
 *     a 192.168.71.2 -+- router 192.168.71.1 | 198.51.99.21 -- outside 198.51.99.10
 *     b 192.168.71.3 -+
 *
 * miniupnpd maps nothing unless its address outside looks public.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { until } from "../e2e/until.ts";
import { ip, newName } from "./namespace.ts";

/** The router's address outside, and that of everybody else. */
export const ROUTER_OUTSIDE = "198.51.99.21";
export const OUTSIDE = "198.51.99.10";
export const ROUTER_INSIDE = "192.168.71.1";
export const HOME = { a: "192.168.71.2", b: "192.168.71.3" } as const;

/** With IPv6, everybody's addresses begin so inside and outside. */
const INSIDE6 = "2607:7700:71::";
export const OUTSIDE6 = "2607:7700:99::";
export const HOME6 = { a: `${INSIDE6}2`, b: `${INSIDE6}3` } as const;

/** What the daemon is told to speak. PCP comes with NAT-PMP. */
export interface Speaks {
  readonly natPmp?: boolean;
  readonly upnp?: boolean;
}

/** The namespaces and the daemon; disposing of them ends both. */
export class MappingRouter implements AsyncDisposable {
  readonly #prefix = newName();
  readonly #made: string[] = [];
  #folder = "";
  #daemon: Deno.ChildProcess | undefined;
  #output = "";

  /** @param ipv6 it has IPv6 too, which it doesn't translate, but lets in only what is asked for */
  static async open(speaks: Speaks, ipv6 = false): Promise<MappingRouter> {
    const made = new MappingRouter();
    try {
      made.#build();
      if (ipv6) made.#addIpv6();
      made.#folder = await Deno.makeTempDir({ prefix: "gtr-router-" });
      await made.start(speaks);
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  namespace(name: "a" | "b" | "router" | "outside"): string {
    return `${this.#prefix}-${name}`;
  }

  /** Starts the daemon, and waits until it listens. */
  async start({ natPmp = true, upnp = true }: Speaks): Promise<void> {
    const path = join(this.#folder, "miniupnpd.conf");
    const yes = (is: boolean) => is ? "yes" : "no";
    await Deno.writeTextFile(
      path,
      `ext_ifname=out
listening_ip=in
enable_natpmp=${yes(natPmp)}
enable_upnp=${yes(upnp)}
secure_mode=yes
uuid=11111111-2222-3333-4444-555555555555
allow 1024-65535 192.168.71.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
`,
    );
    const pid = join(this.#folder, "pid");
    const args = ["netns", "exec", this.namespace("router"), "miniupnpd", "-d"];
    const daemon = new Deno.Command("ip", {
      args: [...args, "-f", path, "-P", pid],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#daemon = daemon;
    void this.#read(daemon.stderr);
    // NAT-PMP, or SSDP.
    const port = natPmp ? ":5351 " : ":1900 ";
    await until(
      () => `miniupnpd listens:\n${this.#output}`,
      () => Promise.resolve(this.run("router", "ss", "-lun").includes(port)),
    );
  }

  /** Ends the daemon; what it had mapped is taken away, as after a restart of a router. */
  async stop(): Promise<void> {
    this.#daemon?.kill("SIGTERM");
    await this.#daemon?.status;
    this.#daemon = undefined;
    this.flush();
  }

  /** Forgets all mappings. */
  flush(): void {
    for (const chain of ["miniupnpd", "prerouting_miniupnpd", "postrouting_miniupnpd"]) {
      this.run("router", "nft", "flush", "chain", "inet", "filter", chain);
    }
  }

  /** The rules of the daemon: "tcp dport 7000 ... dnat ip to 192.168.71.2:7000". */
  rules(): string[] {
    const text = this.run(
      "router",
      "nft",
      "list",
      "chain",
      "inet",
      "filter",
      "prerouting_miniupnpd",
    );
    return text.split("\n").map((line) => line.trim()).filter((line) => line.includes("dnat"));
  }

  /** Gives a computer another address. */
  move(name: "a" | "b", address: string): void {
    const namespace = this.namespace(name);
    ip("-n", namespace, "addr", "flush", "dev", "net");
    ip("-n", namespace, "addr", "add", `${address}/24`, "dev", "net");
    ip("-n", namespace, "route", "add", "default", "via", ROUTER_INSIDE);
  }

  /** Runs a program in a namespace to its end; fails unless it succeeds. */
  run(where: "a" | "b" | "router" | "outside", ...command: string[]): string {
    return this.#run(where, command, "");
  }

  #run(where: "a" | "b" | "router" | "outside", command: string[], input: string): string {
    const args = ["netns", "exec", this.namespace(where), ...command];
    const ended = spawnSync("ip", args, { input, encoding: "utf8", timeout: 60_000 });
    const said = `${command.join(" ")}: ${ended.error?.message ?? ""}${ended.stderr}`;
    assert.equal(ended.status, 0, said);
    return ended.stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#daemon?.kill("SIGTERM");
    await this.#daemon?.status;
    for (const name of this.#made.splice(0)) ip("netns", "delete", name);
    if (this.#folder) await Deno.remove(this.#folder, { recursive: true });
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-8000);
    }
  }

  #build(): void {
    const [router, outside] = [this.#add("router"), this.#add("outside")];
    this.#link(router, "out", outside, "net");
    ip("-n", router, "addr", "add", `${ROUTER_OUTSIDE}/24`, "dev", "out");
    ip("-n", outside, "addr", "add", `${OUTSIDE}/24`, "dev", "net");
    ip("-n", router, "link", "add", "in", "type", "bridge", "mcast_snooping", "0");
    ip("-n", router, "addr", "add", `${ROUTER_INSIDE}/24`, "dev", "in");
    ip("-n", router, "link", "set", "in", "up");
    for (const name of ["a", "b"] as const) {
      const host = this.#add(name);
      this.#link(router, `to-${name}`, host, "net");
      ip("-n", router, "link", "set", `to-${name}`, "master", "in");
      ip("-n", host, "addr", "add", `${HOME[name]}/24`, "dev", "net");
      ip("-n", host, "route", "add", "default", "via", ROUTER_INSIDE);
    }
    this.run("router", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
    this.#run("router", ["nft", "-f", "-"], RULES);
  }

  #addIpv6(): void {
    const addresses = [
      ["router", "in", `${INSIDE6}1`],
      ["router", "out", `${OUTSIDE6}1`],
      ["outside", "net", `${OUTSIDE6}10`],
      ["a", "net", HOME6.a],
      ["b", "net", HOME6.b],
    ] as const;
    for (const [where, device, address] of addresses) {
      ip(
        ...["-n", this.namespace(where), "-6", "addr", "add", `${address}/64`],
        ...["dev", device, "nodad"],
      );
    }
    for (const [where, by] of [["a", INSIDE6], ["b", INSIDE6], ["outside", OUTSIDE6]] as const) {
      ip("-n", this.namespace(where), "-6", "route", "add", "default", "via", `${by}1`);
    }
    this.run("router", "sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1");
  }

  /** What the firewall lets in of IPv6 beside answers. */
  pinholes(): string[] {
    const text = this.run("router", "nft", "list", "chain", "inet", "filter", "miniupnpd");
    return text.split("\n").map((line) => line.trim()).filter((line) => line.includes("dport"));
  }

  #add(name: "a" | "b" | "router" | "outside"): string {
    const namespace = this.namespace(name);
    ip("netns", "add", namespace);
    this.#made.push(namespace);
    ip("-n", namespace, "link", "set", "lo", "up");
    return namespace;
  }

  #link(one: string, device: string, other: string, peer: string): void {
    ip("-n", one, "link", "add", device, "type", "veth", "peer", "name", peer, "netns", other);
    ip("-n", one, "link", "set", device, "up");
    ip("-n", other, "link", "set", peer, "up");
  }
}

/** Nobody outside gets in but by a mapping. */
const RULES = `table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    iifname "in" accept
    ct state established,related accept
    jump miniupnpd
  }
  chain miniupnpd {
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    jump prerouting_miniupnpd
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname "out" masquerade
    jump postrouting_miniupnpd
  }
  chain prerouting_miniupnpd {
  }
  chain postrouting_miniupnpd {
  }
}
`;

/** Why there can't be such a router here; undefined if there can. */
export function cantMapPorts(): string | undefined {
  const name = newName();
  try {
    for (const program of ["miniupnpd", "nft", "ss", "upnpc"]) {
      const { error } = spawnSync(program, ["--version"]);
      if (error) throw error;
    }
    ip("netns", "add", name);
    ip("netns", "delete", name);
    return undefined;
  } catch (error) {
    return `needs root, iproute2, nftables and miniupnpd: ${
      (error as Error).message.split("\n")[0]
    }`;
  }
}
