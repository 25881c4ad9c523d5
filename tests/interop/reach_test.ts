/**
 * Who can clone from whom: gtds as installed, behind routers of every kind, with nothing set but
 * where the networks begin. A public gtd begins them, and never has the repository.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { cantTranslate, type Home, NatNetwork, PUBLIC_HOSTS } from "./nat_network.ts";

const why = cantTranslate();
const reason = why ? ` (${why})` : "";

/** More than networks keep of a repository themselves: a peer has to send it. */
const BYTES = 200_000;

const KINDS = { open: "open", restricted: "port-restricted", symmetric: "symmetric" } as const;
type Kind = keyof typeof KINDS;
type HomeName = `${"a" | "b"}-${Kind}`;

/** As after the installation: what the tests set for loopback is taken back. */
const FRESH = { GTR_TORRENT_HOST: "", GTR_HOLEPUNCH_HOST: "", GTR_TRANSPORTS: "torrent,holepunch" };

class Internet implements AsyncDisposable {
  readonly network: NatNetwork<HomeName>;
  readonly #nodes: Node[] = [];
  #bootstrap: Record<string, string> = {};

  private constructor(homes: Record<HomeName, Home>) {
    this.network = new NatNetwork(homes);
  }

  static async make(homes: Record<HomeName, Home>): Promise<Internet> {
    const made = new Internet(homes);
    try {
      const first = await made.#add(made.network.public, {
        GTR_TRANSPORTS: "torrent,holepunch",
        GTR_TORRENT_HOST: PUBLIC_HOSTS[0]!,
        GTR_TORRENT_BOOTSTRAP: "none",
        GTR_HOLEPUNCH_HOST: PUBLIC_HOSTS[0]!,
        GTR_HOLEPUNCH_BOOTSTRAP: "none",
      });
      await first.gtr("daemon", "start");
      const { torrent, holepunch } = (await first.status()).transports;
      made.#bootstrap = {
        GTR_TORRENT_BOOTSTRAP: torrent.dht,
        GTR_HOLEPUNCH_BOOTSTRAP: holepunch.dht,
      };
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  join(home: HomeName, n = 1, env: Record<string, string> = {}): Promise<Node> {
    return this.#add(this.network.host(home, n), { ...FRESH, ...this.#bootstrap, ...env });
  }

  async #add(namespace: string, env: Record<string, string>): Promise<Node> {
    const node = await Node.make("none", env, namespace);
    this.#nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    this.network[Symbol.dispose]();
  }
}

/** What was measured in one cell, in seconds, or what failed. */
type Cell = Record<"clone" | "pull" | "follow", string>;

Deno.test({
  name: `routers: everybody reaches everybody whom they can${reason}`,
  ignore: reason !== "",
  fn: async (t) => {
    const kinds = Object.keys(KINDS) as Kind[];
    const homes = Object.fromEntries(
      kinds.flatMap((k) => [[`a-${k}`, { family: 4 }], [`b-${k}`, { family: 4 }]]),
    ) as Record<HomeName, Home>;
    await using net = await Internet.make(homes);
    const table = new Map<string, Cell>();
    const people = new Map<HomeName, Node>();
    for (const kind of kinds) {
      for (const side of ["a", "b"] as const) {
        net.network.translate(`${side}-${kind}`, KINDS[kind]);
        people.set(`${side}-${kind}`, await net.join(`${side}-${kind}`));
      }
    }
    await Promise.all([...people.values()].map((node) => node.gtr("daemon", "start")));
    for (const of of kinds) {
      for (const to of kinds) {
        if (Deno.env.get("ONLY") && Deno.env.get("ONLY") !== `${of}-${to}`) continue;
        const alice = people.get(`a-${of}`)!;
        const bob = people.get(`b-${to}`)!;
        await t.step(`from ${KINDS[of]} to ${KINDS[to]}`, async () => {
          const cell: Cell = { clone: "-", pull: "-", follow: "-" };
          table.set(`${of} -> ${to}`, cell);
          await visit(alice, bob, `${of}-for-${to}`, cell);
        });
      }
    }
    for (const [what, cell] of table) console.log(what.padEnd(28), JSON.stringify(cell));
  },
});

/** Bob clones, pulls and follows what Alice publishes. */
async function visit(alice: Node, bob: Node, name: string, cell: Cell): Promise<void> {
  const path = alice.path(name);
  await alice.git("init", "-q", path);
  const first = await alice.commit(name, "noise.txt", noise());
  const url = (await alice.gtrIn(path, "init")).split("\n")[0]!;
  await alice.untilPublished(url, "refs/heads/main", first);
  cell.clone = await timed(async () => {
    const { code, stderr } = await bob.run("git", ["clone", "-q", url, name]);
    assert.equal(code, 0, stderr);
  }, (s) => cell.clone = s);

  const second = await alice.commit(name, "second.txt", "second\n");
  await alice.untilPublished(url, "refs/heads/main", second);
  await timed(
    () =>
      until("it is pulled", async () => {
        const { code, stderr } = await bob.run("git", ["pull", "-q"], { cwd: bob.path(name) });
        if (code) console.log(stderr);
        return await bob.gitIn(bob.path(name), "rev-parse", "HEAD") === second;
      }),
    (s) => cell.pull = s,
  );

  await bob.gtr("follow", url);
  const third = await alice.commit(name, "third.txt", noise());
  await alice.untilPublished(url, "refs/heads/main", third);
  const stored = await bob.stored(name, alice);
  await timed(
    () =>
      until("it has followed", async () => {
        const refs = await Deno.readTextFile(`${stored}/packed-refs`).catch(() => "");
        return refs.includes(`${third} refs/heads/main\n`);
      }),
    (s) => cell.follow = s,
  );
}

const noise = () => randomBytes(BYTES * 3 / 4).toString("base64");

async function timed(work: () => Promise<void>, told: (s: string) => void): Promise<string> {
  const begun = performance.now();
  const say = (how = "") => {
    const s = `${how}${((performance.now() - begun) / 1000).toFixed(1)} s`;
    told(s);
    return s;
  };
  try {
    await work();
    return say();
  } catch (error) {
    say("failed after ");
    throw error;
  }
}
