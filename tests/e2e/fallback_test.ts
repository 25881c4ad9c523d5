/**
 * Default settings, and a publisher whom only one of the networks leads to: what the others know of
 * its repository holds nobody up.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

/** Nothing but peers has packs. */
const PEERS_ONLY = { GTR_TORRENT_DHTPACKS: "0", GTR_HOLEPUNCH_DHTPACKS: "0" };
/** Characters of a file: larger than what comes without looking for a live peer. */
const LARGE = 300_000;

/** Accepts connections and never says anything. */
class SilentPort implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #taken: Deno.Conn[] = [];

  constructor(port: number) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#listener = listener;
    void (async () => {
      for await (const connection of listener) this.#taken.push(connection);
    })();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#taken) connection.close();
  }
}

/** Alice, who has published on all networks, and where others join them. */
async function world(made: AsyncDisposableStack) {
  const hub = made.use(await Node.make("none"));
  const torrent = await hub.dht();
  const holepunch = await hub.figure("holepunch", "dht");
  const join = async (env: Record<string, string> = {}) =>
    made.use(
      await Node.make(torrent, { ...PEERS_ONLY, GTR_HOLEPUNCH_BOOTSTRAP: holepunch, ...env }),
    );
  const alice = await join();
  const url = await alice.share("hello");
  await alice.commit("hello", "large.txt", noise(LARGE, 1));
  const tip = await alice.commit("hello", "more.txt", "more\n");
  await alice.untilPublished(url, "refs/heads/main", tip);
  const { transports } = await alice.status();
  const port = Number(transports.torrent.listen.split(":").at(-1));
  const first = await join();
  for (const scheme of ["torrent", "holepunch"]) {
    await first.untilPublished(url.replace("torrent:", `${scheme}:`), "refs/heads/main", tip);
  }
  await first.stopGtd();
  return {
    alice,
    url,
    tip,
    port,
    join,
    /** Alice is in one network only from now on; the others don't hear of it. */
    only: async (scheme: string) => {
      await alice.killGtd();
      alice.env.GTR_TRANSPORTS = scheme;
      await alice.gtr("daemon", "start");
    },
  };
}

type World = Awaited<ReturnType<typeof world>>;

/** Clones, pulls and follows, all of it by the one network that leads to Alice. */
async function assertAllCross(w: World, url: string, by: string): Promise<void> {
  const bob = await w.join();
  await bob.git("clone", "-q", url, "copy");
  assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), w.tip);
  const log = () => Deno.readTextFile(join(bob.home, "gtd.log"));
  assert.match(await log(), new RegExp(`packs of hello: bytes \\d+ from ${by}$`, "m"));

  const next = await w.alice.commit("hello", "large.txt", noise(LARGE, 2));
  await bob.untilPublished(url, "refs/heads/main", next);
  await bob.gitIn(bob.path("copy"), "pull", "-q");
  assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), next);

  await bob.gtr("follow", url);
  const last = await w.alice.commit("hello", "news.txt", "news\n");
  await until("the news are here", async () => {
    const store = await bob.stored("hello", w.alice);
    return (await bob.run("git", ["-C", store, "rev-parse", "refs/heads/main"])).stdout
      .startsWith(last);
  });
}

Deno.test("fallback: a swarm that accepts and says nothing; Holepunch delivers", async () => {
  await using made = new AsyncDisposableStack();
  const w = await world(made);
  await w.only("holepunch");
  using _silent = new SilentPort(w.port);
  await assertAllCross(w, w.url, "holepunch");
});

Deno.test("fallback: Holepunch knows a peer that has gone; the swarm delivers", async () => {
  await using made = new AsyncDisposableStack();
  const w = await world(made);
  await w.only("torrent");
  await assertAllCross(w, w.url.replace("torrent:", "holepunch:"), "torrent");
});

Deno.test("fallback: where nobody delivers, the error tells of each network", async () => {
  await using made = new AsyncDisposableStack();
  const w = await world(made);
  await w.alice.killGtd();
  using _silent = new SilentPort(w.port);
  const bob = await w.join({ GTR_NETWORK_TIMEOUT: "10", GTR_LIVE_WAIT: "1" });
  const { code, stderr } = await bob.run("git", ["clone", "-q", w.url, "copy"]);
  assert.notEqual(code, 0);
  assert.match(
    stderr,
    /can't fetch hello: nobody who has it .* over torrent or holepunch in \d+ s\n/,
  );
  assert.match(stderr, /\nhint: the publisher, or someone who cloned it, must be online/);
});
