/**
 * Hosts on one switch, in network namespaces, each with a limited way out (tc-tbf(8)).
 *
 * @module
 */
import { type Environment, run } from "../../local/run.ts";

/** One host: a namespace with one network device. */
export interface LimitedHost {
  readonly address: string;
  /** Put before a command, it runs the command on this host. */
  readonly within: readonly string[];
  /** Bytes that this host has sent, with all headers. */
  sent(): Promise<number>;
  /** Takes its network away, or gives it back. */
  connect(on: boolean): Promise<void>;
}

/** The namespaces; disposing of them ends the network. */
export class LimitedNetwork implements AsyncDisposable {
  readonly #env: Environment;
  readonly #prefix = `gtr-bench-${crypto.randomUUID().slice(0, 8)}`;
  readonly #made: string[] = [];
  readonly hosts: LimitedHost[] = [];

  private constructor(env: Environment) {
    this.#env = env;
  }

  /**
   * Makes the hosts.
   *
   * @param count at most 250
   * @param rate of each host's way out, as tc(8) writes it: "20mbit"
   * @throws {Error} without root or iproute2
   */
  static async make(count: number, rate: string, env: Environment): Promise<LimitedNetwork> {
    const network = new LimitedNetwork(env);
    try {
      const center = await network.#add("switch");
      await network.#ip("-n", center, "link", "add", "bridge", "type", "bridge");
      await network.#ip("-n", center, "link", "set", "bridge", "up");
      for (let n = 1; n <= count; n++) network.hosts.push(await network.#host(center, n, rate));
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#made.splice(0)) {
      await run(["ip", "netns", "delete", name], { env: this.#env, allowFail: true });
    }
  }

  async #host(center: string, n: number, rate: string): Promise<LimitedHost> {
    const name = await this.#add(String(n));
    const address = `10.78.0.${n}`;
    const other = ["peer", "name", "net", "netns", name];
    await this.#ip("-n", center, "link", "add", `port${n}`, "type", "veth", ...other);
    await this.#ip("-n", center, "link", "set", `port${n}`, "master", "bridge", "up");
    await this.#ip("-n", name, "addr", "add", `${address}/24`, "dev", "net");
    await this.#ip("-n", name, "link", "set", "net", "up");
    const limit = ["tbf", "rate", rate, "burst", "64kb", "latency", "300ms"];
    const env = this.#env;
    await run(["tc", "-n", name, "qdisc", "add", "dev", "net", "root", ...limit], { env });
    return {
      address,
      within: ["ip", "netns", "exec", name],
      sent: async () => {
        const command = ["ip", "-n", name, "-s", "-j", "link", "show", "dev", "net"];
        const [device] = JSON.parse((await run(command, { env })).stdout);
        return Number(device.stats64.tx.bytes);
      },
      connect: (on) => this.#ip("-n", name, "link", "set", "net", on ? "up" : "down"),
    };
  }

  async #add(what: string): Promise<string> {
    const name = `${this.#prefix}-${what}`;
    await this.#ip("netns", "add", name);
    this.#made.push(name);
    await this.#ip("-n", name, "link", "set", "lo", "up");
    return name;
  }

  async #ip(...args: string[]): Promise<void> {
    await run(["ip", ...args], { env: this.#env });
  }
}
