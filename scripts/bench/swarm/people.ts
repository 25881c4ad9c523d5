/**
 * The people of one swarm: who bootstraps, who publishes, who reads, each with a gtd on a host of
 * their own.
 *
 * @module
 */
import { join } from "node:path";
import type { LocalNode } from "../../local/node.ts";
import type { Sandbox } from "../../local/sandbox.ts";
import type { LimitedHost } from "./limited_network.ts";
import type { Distribution } from "./references.ts";

const DEADLINE_MS = 600_000;
const LOOK_MS = 20;
/** How long a gtd may take until it is in the network. */
const JOIN_MS = 20_000;
/** The unit of /proc/<pid>/stat on Linux. */
const TICKS_PER_SECOND = 100;

/** All gtds of one scenario; disposing stops them. */
export class People implements AsyncDisposable {
  readonly #sandbox: Sandbox;
  readonly #scheme: string;
  readonly #group: string;
  readonly #nodes: LocalNode[] = [];
  #bootstrap = "none";

  private constructor(sandbox: Sandbox, scheme: string, group: string) {
    this.#sandbox = sandbox;
    this.#scheme = scheme;
    this.#group = group;
  }

  /** Begins a network with a gtd on `host` that all others join by. */
  static async begin(
    sandbox: Sandbox,
    scheme: string,
    group: string,
    host: LimitedHost,
  ): Promise<People> {
    const people = new People(sandbox, scheme, group);
    const first = await people.add("first", host);
    people.#bootstrap = String((await first.status()).transports[scheme]?.dht ?? "");
    return people;
  }

  /** Starts a gtd on `host`; it is in the network then, as one that runs for a while is. */
  async add(name: string, host: LimitedHost): Promise<LocalNode> {
    const scheme = this.#scheme;
    const node = await this.#sandbox.node(`${this.#group}-${name}`, undefined, {
      GTR_TRANSPORTS: scheme,
      GTR_TORRENT_HOST: host.address,
      GTR_TORRENT_BOOTSTRAP: "none",
      GTR_HOLEPUNCH_HOST: host.address,
      GTR_HOLEPUNCH_BOOTSTRAP: "none",
      [`GTR_${scheme.toUpperCase()}_BOOTSTRAP`]: this.#bootstrap,
    }, host.within);
    this.#nodes.push(node);
    const end = performance.now() + JOIN_MS;
    while (this.#bootstrap !== "none" && performance.now() < end) {
      const { nodes } = (await node.status()).transports[scheme] ?? {};
      if (Number(nodes ?? 1) > 0) break;
      await pause(200);
    }
    return node;
  }

  /** Seconds of processor time that all gtds have taken. */
  async processorTime(): Promise<number> {
    const times = await Promise.all(this.#nodes.map(async (node) => {
      const { daemon } = await node.status();
      const stat = await Deno.readTextFile(`/proc/${daemon.pid}/stat`);
      const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
      return (Number(user) + Number(system)) / TICKS_PER_SECOND;
    }));
    return times.reduce((a, b) => a + b, 0);
  }

  /** Copies the log of each gtd to a folder. */
  async keepLogs(folder: string): Promise<void> {
    await Deno.mkdir(folder, { recursive: true });
    for (const { name, env } of this.#nodes) {
      await Deno.copyFile(join(env.GTR_HOME!, "gtd.log"), join(folder, `${name}.log`));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

/** All readers clone at once. */
export async function cloneAll(
  url: string,
  publisher: LimitedHost,
  readers: readonly LocalNode[],
): Promise<Distribution> {
  const before = await publisher.sent();
  const command = ["git", "clone", "--quiet", "--no-checkout", url, "clone"];
  const clone = async (reader: LocalNode) =>
    (await reader.run(command, { deadline: DEADLINE_MS })).ms;
  const times = await Promise.all(readers.map(clone));
  return { times, sent: await publisher.sent() - before };
}

/** Waits from the end of `change` until the store of each follower has a publication that it lacked. */
export async function followAll(
  publisher: LimitedHost,
  followers: readonly LocalNode[],
  change: () => Promise<void>,
): Promise<Distribution> {
  const files = await Promise.all(followers.map(manifestOf));
  const old = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  await change();
  const before = await publisher.sent();
  const started = performance.now();
  const wait = async (file: string, n: number) => {
    while (await Deno.readTextFile(file).catch(() => old[n]) === old[n]) {
      if (performance.now() - started > DEADLINE_MS) throw new Error("a follower heard nothing");
      await pause(LOOK_MS);
    }
    return performance.now() - started;
  };
  const times = await Promise.all(files.map(wait));
  return { times, sent: await publisher.sent() - before };
}

/** The manifest in the store of a node that has one repository. */
async function manifestOf(node: LocalNode): Promise<string> {
  const store = join(node.env.GTR_HOME!, "store");
  for await (const key of Deno.readDir(store)) {
    if (!key.isDirectory) continue;
    for await (const { name } of Deno.readDir(join(store, key.name))) {
      if (name.endsWith(".git")) return join(store, key.name, name, "gtr", "manifest.json");
    }
  }
  throw new Error(`${node.name} has no repository`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
