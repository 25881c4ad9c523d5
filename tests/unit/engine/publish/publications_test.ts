import assert from "node:assert/strict";
import fc from "fast-check";
import { join } from "node:path";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { publishState } from "../../../../lib/engine/publish/publish.ts";
import { packGroups } from "../../../../lib/manifest/pack_groups.ts";
import { missingPacks } from "../../../../lib/manifest/missing_packs.ts";
import type { Manifest, PackRef, SignedManifest } from "../../../../lib/manifest/types.ts";
import type { StoredRepository } from "../../../../lib/store/stored_repository.ts";
import { git, makeParts, soon, tempDir } from "../fixture.ts";
import { type History, makeHistory } from "../history.ts";
import { transport } from "../memory_network.ts";

/** What happens to one ref between two publications; `to` is a commit, counted from the newest. */
type Step =
  | { readonly kind: "grow" | "amend" | "branch" | "tag" | "annotated"; readonly to: number }
  | { readonly kind: "force" | "back" | "delete" | "withdraw"; readonly to: number };

const PUBLICATIONS = 50;
const COMMITS = 120;

const anyCommit = fc.record({
  parent: fc.nat(COMMITS),
  merged: fc.option(fc.nat(COMMITS), { nil: undefined, freq: 6 }),
  size: fc.oneof({ weight: 6, arbitrary: fc.nat(200) }, fc.integer({ min: 200, max: 20_000 })),
  file: fc.nat(8),
});
const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant("grow" as const) },
    {
      weight: 7,
      arbitrary: fc.constantFrom(
        ...(["amend", "branch", "tag", "annotated", "force", "back", "delete"] as const),
      ),
    },
    { weight: 1, arbitrary: fc.constant("withdraw" as const) },
  ),
  to: fc.nat(COMMITS),
});

/** The refs that a publisher has after each step. */
class Refs {
  readonly now = new Map<string, string>();
  readonly #left: string[] = [];
  #newest = 0;

  constructor(readonly history: History) {}

  /** Returns whether something was taken out of sharing. */
  apply({ kind, to }: Step): boolean {
    const { commits, tags } = this.history;
    const branches = [...this.now.keys()].filter((name) => name.startsWith("refs/heads/"));
    const branch = branches[to % (branches.length || 1)] ?? "refs/heads/main";
    const any = to % (this.#newest + 1);
    const move = (name: string, oid: string) => {
      const old = this.now.get(name);
      if (old) this.#left.push(old);
      this.now.set(name, oid);
    };
    switch (kind) {
      case "grow":
      case "amend":
        this.#newest = Math.min(this.#newest + 1 + (to % 3), commits.length - 1);
        move(branch, commits[this.#newest]!);
        return false;
      case "force":
        move(branch, commits[any]!);
        return false;
      case "back": // to where some branch has been before
        move(branch, this.#left[to % (this.#left.length || 1)] ?? commits[any]!);
        return false;
      case "branch":
        move(`refs/heads/b${to % 7}`, commits[any]!);
        return false;
      case "tag":
        move(`refs/tags/t${to % 9}`, commits[any]!);
        return false;
      case "annotated":
        move(`refs/tags/a${to % 9}`, tags[any]!);
        return false;
      case "delete":
        this.now.delete([...this.now.keys()][to % (this.now.size || 1)] ?? "");
        return false;
      case "withdraw":
        return this.now.delete(branch);
    }
  }
}

/** Objects by pack, listed once. */
class Packs {
  readonly #listed = new Map<string, Promise<Set<string>>>();
  constructor(readonly repository: StoredRepository) {}

  objects({ sha256 }: PackRef): Promise<Set<string>> {
    const known = this.#listed.get(sha256) ?? this.#list(sha256);
    this.#listed.set(sha256, known);
    return known;
  }
  async #list(sha256: string): Promise<Set<string>> {
    const idx = this.repository.packPath(sha256).replace(/pack$/, "idx");
    const lines = await git(this.repository.path, ["verify-pack", "-v", idx]);
    return new Set(lines.split("\n").flatMap((line) => /^[0-9a-f]{40}(?= )/.exec(line) ?? []));
  }
  async union(packs: readonly PackRef[]): Promise<Set<string>> {
    const all = await Promise.all(packs.map((pack) => this.objects(pack)));
    return all.reduce((sum, one) => sum.union(one), new Set());
  }
}

/** Everything that the objects lead to, themselves included. */
async function closure({ gitDir }: History, oids: readonly string[]): Promise<Set<string>> {
  if (oids.length === 0) return new Set();
  const args = ["rev-list", "--objects", "--no-object-names", "--stdin"];
  return new Set((await git(gitDir, args, oids.join("\n") + "\n")).split("\n"));
}

const hasAll = (all: Set<string>, wanted: Set<string>, why: string) =>
  assert.deepEqual([...wanted.difference(all)], [], why);

/** The rules of docs/protocol.md for what a manifest lists. */
async function checkManifest(
  history: History,
  packs: Packs,
  manifest: Manifest,
  fresh: PackRef[],
  limit?: number,
) {
  const all = await packs.union(manifest.packs);
  const refs = Object.values(manifest.refs);
  const reached = await closure(history, refs);
  hasAll(all, reached, "the packs hold all that the refs lead to");
  for (const group of packGroups(manifest.packs)) {
    const last = group.at(-1)!;
    if (!fresh.includes(last)) continue;
    const before = manifest.packs.slice(0, manifest.packs.indexOf(last) + 1);
    const own = await packs.union(group);
    const fromTips = await closure(history, last.tips);
    const listed = group.reduce((sum, { objects }) => sum + objects, 0);
    assert.equal(own.size, listed, "every object is in one pack");
    assert.ok(last.tips.length > 0, "a pack has tips");
    hasAll(fromTips, own, "every object of a pack is reached from its tips");
    hasAll(
      await packs.union(before),
      fromTips,
      "a pack and those before it hold its tips' closure",
    );
  }
  const sizes = manifest.packs.map(({ size }) => size);
  if (limit !== undefined) {
    const large = manifest.packs.filter(({ size, objects }) => size > limit && objects > 1);
    assert.deepEqual(large, [], "only a single object is more than the limit");
    return;
  }
  sizes.forEach((size, i) => {
    const following = sizes.slice(i + 1).reduce((sum, n) => sum + n, 0);
    assert.ok(size >= following, `consolidation is geometric: ${sizes}`);
  });
}

/** A reader that fetches what missingPacks names, and keeps every pack it ever had. */
class Reader {
  readonly packs = new Map<string, PackRef>();
  tips = new Set<string>();
  received = 0;

  follow(manifest: Manifest): void {
    const missing = missingPacks(manifest, {
      packs: new Set(this.packs.keys()),
      objects: this.tips,
    });
    for (const pack of missing) {
      this.packs.set(pack.sha256, pack);
      this.received += pack.size;
    }
    this.tips = this.tips.union(
      new Set([...missing.flatMap(({ tips }) => tips), ...Object.values(manifest.refs)]),
    );
  }
}

async function publishAll(
  parts: EngineParts,
  history: History,
  steps: readonly Step[],
  limit?: number,
) {
  const repository = parts.store.repository(parts.key.publicKeyHex, "hello");
  const packs = new Packs(repository);
  const refs = new Refs(history);
  const readers = [1, 2, 3, 7].map((every) => ({ every, reader: new Reader() }));
  let previous: SignedManifest | undefined;
  using wait = soon();
  for (const [i, step] of steps.entries()) {
    const fromScratch = refs.apply(step);
    const wanted = {
      refs: Object.fromEntries(refs.now),
      head: "refs/heads/main",
      objectFormat: "sha1",
      objectDirs: [history.objects],
    } as const;
    const { signed } = await publishState(parts, repository, { ...wanted, fromScratch }, wait);
    assert.equal((await publishState(parts, repository, wanted, wait)).changed, false);
    const { manifest } = signed;
    assert.deepEqual(manifest.refs, Object.fromEntries(refs.now));
    const fresh = manifest.packs.filter((pack) =>
      !previous?.manifest.packs.some(({ sha256 }) => sha256 === pack.sha256)
    );
    const fewest = packGroups(fresh).length;
    assert.ok(fewest <= 1, "a publication makes one pack at most, or its parts");
    await checkManifest(history, packs, manifest, fresh, limit);
    if (fromScratch) {
      const reached = await closure(history, Object.values(manifest.refs));
      assert.deepEqual(await packs.union(manifest.packs), reached, "nothing unshared stays");
      assert.deepEqual(await repository.retiredPacks(), []);
    }
    for (const { every, reader } of readers) {
      if (i % every !== 0) continue;
      reader.follow(manifest);
      const reached = await closure(history, Object.values(manifest.refs));
      hasAll(
        await packs.union([...reader.packs.values()]),
        reached,
        `a reader of every ${every}th publication is complete`,
      );
    }
    previous = signed;
  }
  return { repository, readers };
}

Deno.test(`${PUBLICATIONS} publications in a row stay complete, small and geometric for every reader`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyCommit, { minLength: COMMITS, maxLength: COMMITS }),
      fc.array(anyStep, { minLength: PUBLICATIONS, maxLength: PUBLICATIONS }),
      async (commits, steps) => {
        await using temp = await tempDir();
        const history = await makeHistory(join(temp.path, "work"), commits);
        const parts = await makeParts(temp.path);
        const { repository } = await publishAll(parts, history, steps);
        assert.equal(await git(repository.path, ["fsck", "--full", "--no-dangling"]), "");
      },
    ),
    { numRuns: 1, endOnFailure: true },
  );
});

Deno.test("packs of no more than a network can store stay complete for every reader", async () => {
  const limit = 2 ** 20;
  const commit = fc.record({
    parent: fc.nat(COMMITS),
    merged: fc.option(fc.nat(COMMITS), { nil: undefined, freq: 6 }),
    size: fc.oneof(fc.nat(2_000), fc.integer({ min: 200_000, max: 1_200_000 })),
    file: fc.nat(8),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(commit, { minLength: 30, maxLength: 30 }),
      fc.array(anyStep, { minLength: 15, maxLength: 15 }),
      async (commits, steps) => {
        await using temp = await tempDir();
        const history = await makeHistory(join(temp.path, "work"), commits);
        const parts = await makeParts(temp.path, [transport("nostr", { maxBytes: () => limit })]);
        const { repository } = await publishAll(parts, history, steps, limit);
        assert.equal(await git(repository.path, ["fsck", "--full", "--no-dangling"]), "");
      },
    ),
    { numRuns: 1, endOnFailure: true },
  );
});
