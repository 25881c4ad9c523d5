import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { NetworkError } from "../../../../lib/common/errors.ts";
import { sleep, type Wait } from "../../../../lib/common/wait.ts";
import { joinMachines } from "../../../../lib/engine/follow/join_machines.ts";
import { catchUpWithMachines } from "../../../../lib/engine/follow/own_machines.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import {
  type PublishOptions,
  publishShared,
} from "../../../../lib/engine/publish/publish_shared.ts";
import { pushOwn } from "../../../../lib/engine/publish/push_own.ts";
import { isAncestor } from "../../../../lib/git_interface/refs.ts";
import { loadMachine, nameMachine } from "../../../../lib/identity/machine.ts";
import type { SignedManifest } from "../../../../lib/manifest/types.ts";
import { joinWriters, standing } from "../../../../lib/manifest/writers.ts";
import { StoredRepository } from "../../../../lib/store/stored_repository.ts";
import type { PackFile } from "../../../../lib/manifest/pack_file.ts";
import { gitDirOf, initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, git, makeParts, share, soon, tempDir } from "../fixture.ts";
import { MemoryNetwork, MemoryNode } from "../memory_network.ts";

const NAME = "hello";
const MAIN = "refs/heads/main";

/** Of records the network keeps the one with the highest number; a machine that is away has none. */
class Line extends MemoryNode {
  online = true;

  constructor(network: MemoryNetwork, readonly name: string) {
    super(network);
  }

  override endpoints() {
    return [`${this.name}.example:1`];
  }

  override async *resolve(...args: Parameters<MemoryNode["resolve"]>) {
    if (!this.online) throw away();
    yield* super.resolve(...args);
  }

  override publish(signed: SignedManifest, packs: readonly PackFile[], wait: Wait) {
    if (!this.online) return Promise.reject(away());
    const newest = [...this.network.announced.values()][0];
    if (newest && newest.manifest.sequence > signed.manifest.sequence) return Promise.resolve();
    return super.publish(signed, packs, wait);
  }

  override async fetch(...args: Parameters<MemoryNode["fetch"]>) {
    if (!this.online) throw away();
    await super.fetch(...args);
  }
}

/** Runs work whose process ends before it writes a state for the time after this many. */
async function killedAfter(writes: number, work: () => Promise<unknown>): Promise<boolean> {
  const { writeState } = StoredRepository.prototype;
  let left = writes;
  StoredRepository.prototype.writeState = async function (changes) {
    if (left-- <= 0) throw new Error("killed");
    await writeState.call(this, changes);
  };
  try {
    return await work().then(() => false, () => true);
  } finally {
    StoredRepository.prototype.writeState = writeState;
  }
}

function away(): NetworkError {
  return new NetworkError("unreachable", "this machine is offline");
}

/** One machine of the user: a home, a working repository, a clock. */
class Machine {
  private constructor(
    readonly parts: EngineParts,
    readonly line: Line,
    readonly work: string,
    readonly skewMs: number,
  ) {}

  static async make(root: string, network: MemoryNetwork, name: string, skewMs = 0) {
    const line = new Line(network, name);
    const parts = await makeParts(join(root, name), [line]);
    const work = await Deno.realPath(await initRepository(join(root, name, "work")));
    await share(parts.home, gitDirOf(work), NAME, ["main"]);
    return new Machine(parts, line, work, skewMs);
  }

  restarted(parts: EngineParts): Machine {
    return new Machine(parts, this.line, this.work, this.skewMs);
  }

  get repository() {
    return this.parts.store.repository(this.parts.key.publicKeyHex, NAME);
  }

  async tip(): Promise<string | undefined> {
    return (await this.repository.usableManifest())?.manifest.refs[MAIN];
  }

  async publish(options: PublishOptions = {}) {
    return await this.#atItsTime((wait) =>
      publishShared(this.parts, gitDirOf(this.work), wait, options)
    );
  }

  /** What gtd does when it is told of news: what has come is joined with the working repository. */
  async hear(): Promise<boolean> {
    return await this.catchUp() && (await this.publish({ refsOnly: true })).changed;
  }

  async catchUp(): Promise<boolean> {
    return await this.#atItsTime((wait) => catchUpWithMachines(this.parts, NAME, wait));
  }

  /** A push to one's own address, by the rules of any git server. */
  async push(oid: string, ref = MAIN) {
    const address = { scheme: "torrent", id: this.parts.key.id, name: NAME };
    const updates = [{ ref, oid, force: false }];
    const objectDirs = [objectsOf(this.work)];
    return await this.#atItsTime((wait) =>
      pushOwn(this.parts, address, { objectFormat: "sha1", updates, objectDirs }, wait)
    );
  }

  /** A commit on what is checked out. */
  async commit(): Promise<string> {
    const parent = await this.head();
    return await emptyCommit(this.work, { parent, branch: "main" });
  }

  async head(): Promise<string | undefined> {
    return await git(this.work, ["rev-parse", "-q", "--verify", MAIN]).catch(() => undefined);
  }

  /** `git pull`, as the warning says: a merge where both went on. */
  async pull(): Promise<void> {
    const tip = await this.tip();
    if (!tip) return;
    await git(this.work, ["fetch", "-q", this.repository.path, MAIN]);
    const here = await this.head();
    if (here && await this.contains(here, tip)) return;
    const merged = here && !await this.contains(tip, here)
      ? await git(this.work, ["commit-tree", `${tip}^{tree}`, "-p", here, "-p", tip, "-m", "merge"])
      : tip;
    await git(this.work, ["update-ref", MAIN, merged]);
  }

  async contains(newer: string, older: string): Promise<boolean> {
    const alternates = [objectsOf(this.work), this.repository.displacedPath];
    return await isAncestor(this.repository.path, older, newer, { alternates });
  }

  async #atItsTime<T>(work: (wait: Wait) => Promise<T>): Promise<T> {
    const now = Date.now;
    Date.now = () => now() + this.skewMs;
    try {
      using wait = soon();
      return await work(wait);
    } finally {
      Date.now = now;
    }
  }
}

Deno.test("machines: what one pushed is not overwritten by another's next commit", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const desk = await Machine.make(temp.path, network, "desk");
  await desk.commit();
  await desk.publish();

  const laptop = await Machine.make(temp.path, network, "laptop");
  assert.ok(await laptop.catchUp(), "it has never seen the address");
  await laptop.pull();
  const pushed = await laptop.commit();
  assert.deepEqual(await laptop.push(pushed), [{ ref: MAIN, ok: true }]);

  // Before the desk has heard of it: its publication doesn't wait for a look-up, and isn't lost.
  const here = await desk.commit();
  assert.deepEqual((await desk.publish()).diverged, []);
  assert.ok(await laptop.catchUp());
  assert.equal(await laptop.tip(), here, "the newest on the network stays");
  assert.match(
    (await laptop.publish()).diverged.join(),
    /git pull torrent:\/\/.*\/hello main --no-rebase$/,
  );
  await laptop.pull();
  assert.deepEqual((await laptop.publish()).diverged, []);
  assert.equal((await laptop.repository.state()).diverged, undefined);

  assert.ok(await desk.catchUp());
  const joined = (await desk.tip())!;
  assert.ok(await desk.contains(joined, pushed));
  assert.ok(await desk.contains(joined, here));
});

Deno.test("machines: a network that takes a moment is waited for before the first publication", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const desk = await Machine.make(temp.path, network, "desk");
  await desk.commit();
  await desk.publish();
  const lap = await Machine.make(temp.path, network, "lap");
  const { line } = lap;
  line.resolve = async function* (address, wait) {
    await sleep(300, wait.signal);
    yield* Line.prototype.resolve.call(line, address, wait);
  };
  await lap.commit();
  await assert.rejects(lap.publish(), { code: "other-history" }); // it has been found
});

Deno.test("machines: news that follow are taken over, also deletions and rewinds", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const desk = await Machine.make(temp.path, network, "desk");
  await desk.commit();
  await git(desk.work, ["branch", "old"]);
  await share(desk.parts.home, gitDirOf(desk.work), NAME, ["main", "old"]);
  await desk.publish();
  const laptop = await Machine.make(temp.path, network, "laptop", -3_600_000);
  await laptop.catchUp();
  await laptop.pull();
  const before = await laptop.head();
  await laptop.push(await laptop.commit());
  await desk.catchUp();
  assert.equal(await desk.tip(), await laptop.head());
  const { changed } = await desk.publish({ refsOnly: true });
  assert.equal(changed, false, "the working repository is only behind");
  assert.notEqual(await desk.tip(), before);
});

Deno.test("machines: a home with an older copy rewinds nothing", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const old = await Machine.make(temp.path, network, "old");
  for (let n = 0; n < 3; n++) await old.commit();
  await old.publish();
  const newest = await old.tip();
  const anew = await Machine.make(temp.path, network, "new");
  await git(anew.work, ["fetch", "-q", old.work, "main"]);
  await git(anew.work, ["update-ref", MAIN, `${newest}~2`]);
  await anew.publish();
  assert.equal(await anew.tip(), newest);
});

Deno.test("machines: a home that has lost its store rewinds nothing, though it made the key", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const desk = await Machine.make(temp.path, network, "desk");
  const { key, home: { root } } = desk.parts;
  const made = await nameMachine(root, key.publicKeyHex);
  assert.deepEqual({ ...await loadMachine(root) }.madeKey, key.publicKeyHex);
  for (let n = 0; n < 2; n++) await desk.commit();
  await desk.publish();
  const newest = await desk.tip();
  const seeded = [...network.seeded].map(([sha256, [path]]) => [sha256, path!] as const);
  for (const [sha256, path] of seeded) {
    const kept = join(temp.path, sha256);
    await Deno.copyFile(path, kept);
    network.seeded.set(sha256, [kept]); // by a reader
  }
  await Deno.remove(join(root, "store"), { recursive: true });
  const after = await loadMachine(root);
  assert.notEqual(after.id, made.id);
  assert.equal(after.madeKey, undefined);

  const anew = desk.restarted(await makeParts(join(temp.path, "desk"), [desk.line]));
  await git(anew.work, ["update-ref", MAIN, `${newest}~1`]);
  await anew.publish();
  assert.equal(await anew.tip(), newest);
});

Deno.test("machines: what nobody online has is not published over, but for --replace", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const desk = await Machine.make(temp.path, network, "desk");
  await desk.commit();
  await desk.publish();
  const laptop = await Machine.make(temp.path, network, "laptop");
  await laptop.catchUp();
  await laptop.pull();
  await laptop.push(await laptop.commit());
  network.seeded.clear(); // it is gone, and nobody has fetched
  await assert.rejects(desk.catchUp(), { code: "newer-elsewhere", hint: /--replace/ });
  const here = await desk.commit();
  await assert.rejects(desk.publish(), { code: "newer-elsewhere" });
  await desk.publish({ replace: true });
  assert.equal(await desk.tip(), here);
  assert.ok(await laptop.catchUp());
  assert.equal(await laptop.tip(), here, "it gives way");
  assert.equal((await laptop.repository.state()).diverged, undefined);
});

Deno.test("machines: they don't answer each other's publications without end", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const desk = await Machine.make(temp.path, network, "desk");
  await desk.commit();
  await desk.publish();
  const laptop = await Machine.make(temp.path, network, "laptop");
  assert.equal(await laptop.hear(), false);
  await laptop.pull();
  await laptop.commit();
  assert.ok((await laptop.publish()).changed);
  for (let round = 0; round < 2; round++) {
    for (const machine of [desk, laptop]) assert.equal(await machine.hear(), false);
  }
});

Deno.test("machines: killed at any step of a join, nothing that was published is lost", async () => {
  for (let last = 0;; last++) {
    await using temp = await tempDir();
    const network = new MemoryNetwork();
    const desk = await Machine.make(temp.path, network, "desk");
    await desk.commit();
    await desk.publish();
    const laptop = await Machine.make(temp.path, network, "laptop");
    await laptop.catchUp();
    await laptop.pull();
    laptop.line.online = false;
    const extra = await emptyCommit(laptop.work, { branch: "extra" });
    assert.ok((await laptop.push(extra, "refs/heads/extra"))[0]!.ok);
    await desk.commit();
    await desk.publish();
    laptop.line.online = true;
    const killed = await killedAfter(last, () => laptop.catchUp());
    // It starts again without a line, and somebody goes on working there.
    laptop.line.online = false;
    const later = await emptyCommit(laptop.work, { branch: "later" });
    await share(laptop.parts.home, gitDirOf(laptop.work), NAME, ["main", "later"]);
    await laptop.publish().catch(() => {}); // what is on its way may be waited for
    laptop.line.online = true;
    await laptop.catchUp();
    await laptop.publish();
    await desk.catchUp();
    const { refs } = (await desk.repository.usableManifest())!.manifest;
    assert.equal(refs["refs/heads/extra"], extra, `killed before step ${last}`);
    assert.equal(refs["refs/heads/later"], later, `killed before step ${last}`);
    if (!killed) break;
  }
});

Deno.test("machines: offline, all is published here, and joined when the line is back", async () => {
  await using temp = await tempDir();
  const network = new MemoryNetwork();
  const desk = await Machine.make(temp.path, network, "desk");
  await desk.commit();
  await desk.publish();
  const laptop = await Machine.make(temp.path, network, "laptop");
  await laptop.catchUp();
  await laptop.pull();
  laptop.line.online = false;
  const away = await laptop.commit();
  await laptop.publish();
  assert.equal(await laptop.tip(), away);
  await assert.rejects(laptop.catchUp());
  const there = await desk.commit();
  await desk.publish();
  laptop.line.online = true;
  await laptop.catchUp();
  assert.equal(await laptop.tip(), there);
  assert.deepEqual((await laptop.repository.state()).diverged, { [MAIN]: away });
  assert.ok(await laptop.contains(away, away), "its objects are kept");
});

Deno.test("a damaged or deleted only branch stays published, and it is said", async () => {
  await using temp = await tempDir();
  const desk = await Machine.make(temp.path, new MemoryNetwork(), "desk");
  const tip = await desk.commit();
  await desk.publish();
  const file = join(gitDirOf(desk.work), MAIN);
  await Deno.writeTextFile(file, "");
  assert.match((await desk.publish()).warnings.join(), /git can't read it here/);
  assert.equal(await desk.tip(), tip);
  await Deno.remove(file);
  assert.match((await desk.publish()).warnings.join(), /main is gone from .* stays published/);
  assert.equal(await desk.tip(), tip);
  await git(desk.work, ["update-ref", MAIN, tip]);
  const next = await desk.commit();
  assert.deepEqual((await desk.publish()).warnings, []);
  assert.equal(await desk.tip(), next);
});

type Step = {
  readonly who: number;
  readonly what: "commit" | "catchUp" | "pull" | "away" | "back";
};

/** Two whose clocks are behind go on from one publication, neither knowing of the other. */
const BOTH_BEHIND: Step[] = [
  { who: 1, what: "commit" },
  { who: 0, what: "catchUp" },
  { who: 1, what: "pull" },
  { who: 0, what: "catchUp" },
];

Deno.test("machines: three of them, partitions, clocks that differ: no commit is lost unseen", async () => {
  const anyStep: fc.Arbitrary<Step> = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom("commit", "commit", "catchUp", "pull", "away", "back"),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 4, maxLength: 14 }),
      fc.tuple(fc.nat(100_000), fc.nat(100_000)),
      async (steps, skews) => {
        await using temp = await tempDir();
        const network = new MemoryNetwork();
        const first = await Machine.make(temp.path, network, "m0");
        await first.commit();
        await first.publish();
        const machines = [first];
        for (const [i, skew] of skews.entries()) {
          const machine = await Machine.make(temp.path, network, `m${i + 1}`, skew - 50_000);
          await machine.catchUp();
          await machine.pull();
          await machine.publish();
          machines.push(machine);
        }
        for (const { who, what } of steps) {
          const machine = machines[who]!;
          if (what === "away" || what === "back") machine.line.online = what === "back";
          else if (what === "commit") await machine.commit();
          else if (what === "pull") await machine.pull();
          if (what === "catchUp") await machine.catchUp().catch(() => {});
          if (what === "commit" || what === "pull") await machine.publish().catch(() => {});
        }
        // All are online again, and nobody touches anything.
        for (const { line } of machines) line.online = true;
        for (let round = 0; round < 4; round++) {
          for (const machine of machines) {
            await machine.parts.seeder.offer(machine.repository);
            await machine.catchUp();
            await machine.publish({ refsOnly: true });
          }
        }
        const tips = new Set(await Promise.all(machines.map((machine) => machine.tip())));
        assert.equal(tips.size, 1, "all publish the same");
        for (const machine of machines) assert.equal(await machine.hear(), false);
        for (const machine of machines) {
          const [tip, head] = [await machine.tip(), await machine.head()];
          const { diverged } = await machine.publish();
          const isIn = await machine.contains(tip!, head!);
          assert.equal(diverged.length === 0, isIn, "what is not published is told");
        }
      },
    ),
    { numRuns: 4, examples: [[BOTH_BEHIND, [0, 0]]] },
  );
});

Deno.test("machines: a ref that one of two has stays; the newer object counts", async () => {
  const contains = (newer: string, older: string) => Promise.resolve(newer.startsWith(older));
  const ours = { a: "1", b: "12", c: "1", d: "13", e: "5" };
  const theirs = { a: "1", b: "1", c: "12", d: "14", f: "6" };
  assert.deepEqual(await joinMachines(ours, theirs, contains), {
    refs: { a: "1", b: "12", c: "12", d: "14", e: "5", f: "6" },
    diverged: { d: "13" },
  });
});

Deno.test("writers: a version vector", () => {
  const machine = fc.constantFrom("a", "b", "c");
  const writers = fc.dictionary(machine, fc.integer({ min: 1, max: 5 }));
  const opposite = { same: "same", behind: "ahead", ahead: "behind", apart: "apart" };
  fc.assert(fc.property(writers, writers, (one, other) => {
    assert.equal(standing(other, one), opposite[standing(one, other)]);
    const both = joinWriters(one, other);
    assert.ok(["same", "behind"].includes(standing(one, both)));
    assert.deepEqual({ ...joinWriters(other, one) }, { ...both });
  }));
});
