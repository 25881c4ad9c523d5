/**
 * An internet of homes: gtds as installed, behind routers, and a public gtd with which the networks
 * begin. It never has what is cloned.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { type Home, NatNetwork, PUBLIC_HOST6, PUBLIC_HOSTS } from "./nat_network.ts";

/** More than networks keep of a repository themselves: a peer has to send it. */
const BYTES = 200_000;

/** As after the installation: what the tests set for loopback is taken back. */
const FRESH = { GTR_TORRENT_HOST: "", GTR_HOLEPUNCH_HOST: "" };

/** The homes, and who lives there. Disposing of it ends all. */
export class Internet<Name extends string> implements AsyncDisposable {
  readonly network: NatNetwork<Name>;
  readonly #nodes: Node[] = [];
  #bootstrap: Record<string, string> = {};
  /** The key of the relay that the public gtd is, if it is one. */
  relay = "";

  private constructor(homes: Readonly<Record<Name, Home>>) {
    this.network = new NatNetwork(homes);
  }

  /** @param env of the public gtd */
  static async make<Name extends string>(
    homes: Readonly<Record<Name, Home>>,
    env: Record<string, string> = {},
  ): Promise<Internet<Name>> {
    const made = new Internet(homes);
    try {
      const first = await made.#add(made.network.public, {
        GTR_HOLEPUNCH_HOST: PUBLIC_HOSTS[0]!,
        GTR_HOLEPUNCH_BOOTSTRAP: "none",
        ...env,
      });
      await first.gtr("daemon", "start");
      const holepunch = await first.figure("holepunch", "dht");
      const port = (await first.figure("torrent", "dht")).split(":").at(-1);
      made.#bootstrap = {
        GTR_TORRENT_BOOTSTRAP: `${PUBLIC_HOSTS[0]}:${port},[${PUBLIC_HOST6}]:${port}`,
        GTR_HOLEPUNCH_BOOTSTRAP: holepunch,
      };
      made.relay = (await first.status()).transports.holepunch.relay ?? "";
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Somebody at the n-th computer of a home, from 1; gtd runs. */
  async join(home: Name, n = 1, env: Record<string, string> = {}): Promise<Node> {
    const node = await this.#add(this.network.host(home, n), { ...this.#bootstrap, ...env });
    await node.gtr("daemon", "start");
    return node;
  }

  async #add(namespace: string, env: Record<string, string>): Promise<Node> {
    const node = await Node.make("none", { ...FRESH, ...env }, namespace);
    this.#nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    this.network[Symbol.dispose]();
  }
}

/** Text that doesn't get smaller; more than networks keep of a repository themselves. */
export function noise(bytes = BYTES): string {
  return randomBytes(bytes * 3 / 4).toString("base64");
}

/** Publishes a repository of that size; its address. */
export async function publish(alice: Node, name: string, bytes?: number): Promise<string> {
  await alice.git("init", "-q", name);
  const oid = await alice.commit(name, "noise.txt", noise(bytes));
  const [url] = (await alice.gtrIn(alice.path(name), "init")).split("\n");
  await alice.untilPublished(url!, "refs/heads/main", oid);
  return url!;
}

/** Commits, and waits until that is published; the commit. */
export async function publishMore(alice: Node, name: string, url: string): Promise<string> {
  const oid = await alice.commit(name, `more-${Date.now()}.txt`, noise());
  await alice.untilPublished(url, "refs/heads/main", oid);
  return oid;
}

/** Pulls until the commit is there. */
export async function pull(bob: Node, name: string, oid: string): Promise<void> {
  let told = "";
  await until(() => `${oid} is pulled: ${told}`, async () => {
    const { stderr } = await bob.run("git", ["pull", "-q"], { cwd: bob.path(name) });
    told = stderr;
    return await bob.gitIn(bob.path(name), "rev-parse", "HEAD") === oid;
  });
}

/** Waits until who follows the repository has the commit. */
export async function untilFollowed(bob: Node, alice: Node, name: string, oid: string) {
  const stored = await bob.stored(name, alice);
  await until(`${oid} is followed`, async () => {
    const refs = await Deno.readTextFile(`${stored}/packed-refs`).catch(() => "");
    return refs.includes(`${oid} refs/heads/main\n`);
  });
}

/** Clones, and fails unless that works. */
export async function clone(bob: Node, url: string, name: string): Promise<void> {
  const { code, stderr } = await bob.run("git", ["clone", "-q", url, name]);
  assert.equal(code, 0, stderr);
  await bob.gitIn(bob.path(name), "fsck", "--full");
}

/** Of one pair, what each step took: "1.2 s". */
export class Times {
  readonly #rows = new Map<string, string[]>();

  async measure(pair: string, step: string, work: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    let how = "";
    try {
      await work();
    } catch (error) {
      how = "failed after ";
      throw error;
    } finally {
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      const row = this.#rows.get(pair) ?? [];
      this.#rows.set(pair, [...row, `${step} ${how}${seconds} s`]);
    }
  }

  toString(): string {
    return [...this.#rows].map(([pair, row]) => `${pair}: ${row.join(", ")}`).join("\n");
  }
}

/** Has gtd use this relay from now on; none: "". */
export async function useRelay(node: Node, relay: string): Promise<void> {
  await node.stopGtd();
  node.env.GTR_HOLEPUNCH_RELAYS = relay;
  await node.gtr("daemon", "start");
}
