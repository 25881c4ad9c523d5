/** Waiting until enough peers have a publication: who counts, and that it ends. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Store } from "../../../../lib/store/store.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { publishState } from "../../../../lib/engine/publish/publish.ts";
import { awaitQuorum } from "../../../../lib/engine/publish/quorum.ts";
import { whoHas } from "../../../../lib/engine/who.ts";
import type { Manifest } from "../../../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../../../lib/ports/network.ts";
import type { Holder, HolderWait } from "../../../../lib/ports/packs.ts";
import { emptyCommit, makeParts, sharedRepository, soon, tempDir } from "../fixture.ts";
import { MemoryNode, silence } from "../memory_network.ts";

type Ask = (manifest: Manifest, wait: HolderWait) => Promise<readonly Holder[]>;

/** A network whose peers answer so. */
function network(scheme: string, holders: Ask, more: Partial<OpenNetwork> = {}): OpenNetwork {
  return Object.assign(new MemoryNode(undefined, scheme), { holders, ...more });
}

/** Peers of these names that have all of it. */
function having(...peers: string[]): Ask {
  return ({ sequence }) =>
    Promise.resolve(peers.map((peer) => ({ peer, sequence, complete: true })));
}

interface Published {
  readonly parts: EngineParts & { readonly logged: string[] };
  readonly path: string;
  readonly oid: string;
  /** Publishes one more commit, and returns it. */
  readonly next: () => Promise<string>;
}

/** Runs a test on a repository of one commit that is published under "hello". */
async function published(
  networks: readonly OpenNetwork[],
  env: Record<string, string>,
  work: (given: Published) => Promise<void>,
): Promise<void> {
  await using root = await tempDir();
  const parts = await makeParts(root.path, networks, { env });
  const { path, gitDir } = await sharedRepository(root.path, parts.home);
  const repository = new Store(parts.home).repository(parts.key.publicKeyHex, "hello");
  let parent: string | undefined;
  const next = async () => {
    // The first is the largest by far: its pack stays when others come.
    const text = parent ? undefined : randomBytes(20_000).toString("base64");
    parent = await emptyCommit(path, { branch: "main", parent, text });
    using wait = soon();
    await publishState(parts, repository, {
      refs: { "refs/heads/main": parent },
      head: "refs/heads/main",
      objectFormat: "sha1",
      objectDirs: [`${gitDir}/objects`],
    }, wait);
    return parent;
  };
  await work({ parts, path, oid: await next(), next });
}

async function quorum(parts: EngineParts): Promise<string | undefined> {
  using wait = soon();
  return await awaitQuorum(parts, "hello", wait);
}

/** The setting, and a second to fulfil it. */
const wanted = (count: number) => ({
  GTR_PUBLISH_QUORUM: String(count),
  GTR_PUBLISH_QUORUMWAIT: "1",
});

Deno.test("each network is counted for itself: a peer on two of them is one copy", async () => {
  const networks = [network("one", having("a", "b", "a")), network("two", having("c"))];
  await published(networks, wanted(2), async ({ parts }) => {
    assert.equal(await quorum(parts), undefined);
  });
  await published(networks, wanted(3), async ({ parts }) => {
    assert.equal(await quorum(parts), "published, but only 2 of 3 peers have it after 1 s");
  });
});

Deno.test("without the setting, or anything published, nobody is asked", async () => {
  const never = network("one", () => Promise.reject(new Error("asked")));
  await published([never], {}, async ({ parts }) => {
    assert.equal(await quorum(parts), undefined);
    using wait = soon();
    const env = await makeParts(parts.home.root, [never], { env: wanted(1) });
    assert.equal(await awaitQuorum(env, "other", wait), undefined);
    assert.deepEqual(env.logged, []);
  });
});

Deno.test("neither claims without packs count, nor packs of an older publication", async () => {
  const ask: Ask = ({ sequence }) =>
    Promise.resolve([
      { peer: "a", sequence: Number.MAX_SAFE_INTEGER, complete: false },
      { peer: "b", sequence: sequence - 1, complete: true },
    ]);
  await published([network("one", ask)], wanted(1), async ({ parts }) => {
    assert.equal(await quorum(parts), "published, but only 0 of 1 peer has it after 1 s");
  });
});

Deno.test("a network that fails or is silent keeps nobody waiting, and is logged", async () => {
  const fails = network("one", () => Promise.reject(new Error("it broke")));
  const silent = network("two", (_, wait) => silence(wait));
  await published([fails, silent], wanted(1), async ({ parts }) => {
    assert.equal(await quorum(parts), "published, but only 0 of 1 peer has it after 1 s");
    assert.match(parts.logged.join(), /can't ask who has hello: it broke/);
  });
});

Deno.test("a notice makes it ask again, also about what was published meanwhile", async () => {
  const asked: number[] = [];
  let tell = () => {};
  const watched = network("one", ({ sequence }) => {
    asked.push(sequence);
    return Promise.resolve(asked.length < 2 ? [] : [{ peer: "a", sequence, complete: true }]);
  }, {
    notices: {
      watch: (_, listener) => {
        tell = () => listener(1);
        return { [Symbol.dispose]: () => tell = () => {} };
      },
    },
  });
  await published([watched], { ...wanted(1), GTR_PUBLISH_QUORUMWAIT: "10" }, async (given) => {
    const waiting = quorum(given.parts);
    await given.next();
    tell();
    assert.equal(await waiting, undefined);
    assert.ok(asked.length === 2 && asked[1]! >= asked[0]!);
  });
});

Deno.test("without notices peers are asked again after two seconds, not before", async () => {
  let asked = 0;
  const ask: Ask = () => {
    asked++;
    return Promise.resolve([]);
  };
  await published([network("one", ask)], wanted(1), async ({ parts }) => {
    assert.equal(await quorum(parts), "published, but only 0 of 1 peer has it after 1 s");
    assert.equal(asked, 1);
  });
  const patient = { ...wanted(1), GTR_PUBLISH_QUORUMWAIT: "20" };
  const second: Ask = ({ sequence }) =>
    Promise.resolve(++asked < 3 ? [] : [{ peer: "a", sequence, complete: true }]);
  await published([network("one", second)], patient, async ({ parts }) => {
    assert.equal(await quorum(parts), undefined);
    assert.equal(asked, 3);
  });
});

Deno.test("progress counts peers up to as many as are wanted, and without a network nobody has it", async () => {
  const told: (readonly [number, number, string])[] = [];
  await published([network("one", having("a", "b", "c"))], wanted(2), async ({ parts }) => {
    using wait = soon();
    const progress = (...report: [number, number, string]) => void told.push(report);
    assert.equal(await awaitQuorum(parts, "hello", { signal: wait.signal, progress }), undefined);
  });
  assert.deepEqual(told, [[2, 2, "Peers that have it"]]);
  await published([], wanted(1), async ({ parts }) => {
    assert.equal(await quorum(parts), "published, but only 0 of 1 peer has it after 1 s");
  });
});

Deno.test("who leaves ends the wait", async () => {
  await published([network("one", having())], { GTR_PUBLISH_QUORUM: "1" }, async ({ parts }) => {
    const leaving = new AbortController();
    const waiting = awaitQuorum(parts, "hello", { signal: leaving.signal });
    leaving.abort(new Error("the client left"));
    await assert.rejects(waiting, /the client left/);
  });
});

Deno.test("who has a commit is asked with the packs up to it", async () => {
  const asked: (readonly [number, boolean])[] = [];
  const ask: Ask = ({ packs, sequence }, { search }) => {
    asked.push([packs.length, search]);
    return Promise.resolve([
      { peer: "a", sequence: sequence - 1, complete: packs.length === 1 },
      { peer: "b", sequence, complete: false },
    ]);
  };
  const fails = network("two", () => Promise.reject(new Error("it broke")));
  await published([network("one", ask), fails], {}, async ({ parts, path, oid, next }) => {
    const second = await next();
    using wait = soon();
    const words = async (commit: string) => {
      const [found] = await whoHas(parts, commit, undefined, wait);
      assert.equal(found!.address, `one://${parts.key.id}/hello`);
      return found!.peers.map(({ network, peer, has }) => `${network} ${peer} ${has}`);
    };
    assert.deepEqual(await words(oid), ["one a yes", "one b claimed"]);
    assert.deepEqual(await words(second), ["one a older", "one b claimed"]);
    assert.deepEqual(asked, [[1, true], [2, true]]);
    assert.match(parts.logged.join(), /can't ask who has hello: it broke/);

    const unshared = await emptyCommit(path, { parent: second });
    const address = { scheme: "one", id: parts.key.id, name: "hello" };
    for (const only of [undefined, address, { ...address, name: "other" }]) {
      await assert.rejects(whoHas(parts, unshared, only, wait), { code: "unknown-commit" });
    }
    assert.equal((await whoHas(parts, oid, address, wait)).length, 1);
  });
});
