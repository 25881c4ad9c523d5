import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { Settings } from "../../../lib/common/settings.ts";
import { abortable } from "../../../lib/common/wait.ts";
import { Follower } from "../../../lib/daemon/follower.ts";
import { Engine } from "../../../lib/engine/engine.ts";
import type { Notices } from "../../../lib/ports/notices.ts";
import type { Manifest } from "../../../lib/manifest/types.ts";
import { emptyCommit, share, sharedRepository, soon, tempDir } from "../engine/fixture.ts";
import { MemoryNetwork, MemoryNode } from "../engine/memory_network.ts";

/** A node of a network in memory, whose peers tell what the test has them tell. */
class NoticeNode extends MemoryNode implements Notices {
  readonly notices = this;
  readonly listeners = new Set<(sequence: number) => void>();

  watch(_manifest: Manifest, listener: (sequence: number) => void): Disposable {
    this.listeners.add(listener);
    return { [Symbol.dispose]: () => void this.listeners.delete(listener) };
  }
}

/** A log whose lines can be waited for. */
class Log {
  readonly #lines: string[] = [];
  #wake = () => {};

  readonly line = (message: string): void => {
    this.#lines.push(message);
    this.#wake();
  };

  async until(line: RegExp): Promise<void> {
    using wait = soon();
    while (!this.#lines.some((message) => line.test(message))) {
      const more = new Promise<void>((resolve) => this.#wake = resolve);
      await abortable(more, wait.signal);
    }
  }
}

/** Puts the schedule's clock forward by so many milliseconds. */
function ahead(ms: number): Disposable {
  const now = performance.now.bind(performance);
  performance.now = () => now() + ms;
  return { [Symbol.dispose]: () => void (performance.now = now) };
}

async function world() {
  const temp = await tempDir();
  const network = new MemoryNetwork();
  const open = async (name: string, transport: MemoryNode, log: Log) => {
    const home = new Home(join(temp.path, name));
    using wait = soon();
    return await Engine.open({
      home,
      settings: await Settings.load(home, () => undefined),
      networks: [{
        scheme: "torrent",
        role: "peer",
        isDefault: true,
        open: () => Promise.resolve(transport),
      }],
      log: log.line,
    }, wait);
  };
  const log = new Log();
  const transport = new NoticeNode(network);
  const alice = await open("alice", new MemoryNode(network), new Log());
  const bob = await open("bob", transport, log);
  const { path, gitDir } = await sharedRepository(temp.path, alice.parts.home);
  const publish = async (branch = "main") => {
    await emptyCommit(path, { branch });
    using wait = soon();
    return await alice.publish(gitDir, wait);
  };
  const shared = (branches: string[]) => share(alice.parts.home, gitDir, "hello", branches);
  const url = (await publish()).addresses["torrent"]!;
  const asked = () => network.events.splice(0).filter((e) => e.startsWith("resolve")).length;
  return {
    alice,
    bob,
    transport,
    publish,
    shared,
    url,
    log,
    asked,
    stored: bob.parts.store.repository(alice.parts.key.publicKeyHex, "hello"),
    [Symbol.asyncDispose]: async () => {
      await alice[Symbol.asyncDispose]();
      await bob[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

Deno.test("followed ones are asked about at the start, and when a peer has news", async () => {
  await using w = await world();
  using wait = soon();
  await w.bob.follow(w.url, wait);
  const { sequence } = await w.publish();
  using follower = new Follower(w.bob, w.log.line);
  await follower.refresh();
  await w.log.until(new RegExp(`followed hello: publication ${sequence},`));

  assert.equal(w.transport.listeners.size, 1);
  const [tell] = w.transport.listeners;
  w.asked();
  tell!(sequence);
  tell!(1);
  assert.equal(w.asked(), 0, "no news");
  const next = await w.publish();
  tell!(next.sequence);
  await w.log.until(new RegExp(`followed hello: publication ${next.sequence},`));
  assert.equal((await w.stored.manifest())!.manifest.sequence, next.sequence);
});

Deno.test("news of other branches is heard once, and not fetched", async () => {
  await using w = await world();
  using wait = soon();
  await w.shared(["main", "dev"]);
  const first = await w.publish("dev");
  await w.bob.follow(w.url, wait, ["main"]);
  using follower = new Follower(w.bob, w.log.line);
  await follower.refresh();
  const [tell] = w.transport.listeners;
  const other = await w.publish("dev");
  tell!(other.sequence);
  await w.log.until(new RegExp(`^skipped hello: publication ${other.sequence} `));
  assert.equal((await w.stored.manifest())!.manifest.sequence, first.sequence);

  w.asked();
  using _later = ahead(10_000); // a notice would be acted on at once
  tell!(other.sequence);
  await follower.refresh();
  tell!(other.sequence);
  const next = await w.publish("main");
  tell!(next.sequence);
  await w.log.until(new RegExp(`followed hello: publication ${next.sequence},`));
  assert.equal(w.asked(), 1, "only about what was news");
});

Deno.test("what is unfollowed is let go of, and so is everything at the end", async () => {
  await using w = await world();
  using wait = soon();
  await w.bob.follow(w.url, wait);
  const follower = new Follower(w.bob, w.log.line);
  await follower.refresh();
  assert.equal(w.transport.listeners.size, 1);
  await w.bob.unfollow(w.url, false, wait);
  await follower.refresh();
  assert.equal(w.transport.listeners.size, 0);
  assert.equal(await w.stored.exists(), false);

  await w.publish(); // this network forgets what one node has forgotten
  await w.bob.follow(w.url, wait);
  await follower.refresh();
  assert.equal(w.transport.listeners.size, 1);
  follower[Symbol.dispose]();
  assert.equal(w.transport.listeners.size, 0);
});

Deno.test("unfollowing ends an update that never would", async () => {
  await using w = await world();
  using wait = soon();
  await w.bob.follow(w.url, wait);
  await w.publish();
  const begun = Promise.withResolvers<void>();
  w.transport.fetch = (_pack, _from, _into, { signal }) => {
    begun.resolve();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  };
  using follower = new Follower(w.bob, w.log.line);
  await follower.refresh();
  await begun.promise;
  await w.bob.unfollow(w.url, false, wait);
  await follower.refresh();
  assert.equal(await w.stored.exists(), false);
});
