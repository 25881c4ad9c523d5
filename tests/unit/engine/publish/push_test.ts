import assert from "node:assert/strict";
import { join } from "node:path";
import {
  applyPush,
  type PushRequest,
  type RefUpdate,
} from "../../../../lib/engine/publish/push.ts";
import { gitDirOf, initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, soon, tempDir } from "../fixture.ts";

const main = "refs/heads/main";
const dev = "refs/heads/dev";
const tag = "refs/tags/v1";

/** Commits A - B, and X beside B, and what a push makes of given refs. */
async function repository() {
  const temp = await tempDir();
  const path = await initRepository(join(temp.path, "work"));
  const A = await emptyCommit(path);
  const B = await emptyCommit(path, { parent: A });
  const X = await emptyCommit(path, { parent: A });
  const update = (ref: string, oid: string | null, more: Partial<RefUpdate> = {}): RefUpdate => ({
    ref,
    oid,
    force: false,
    ...more,
  });
  const apply = async (
    refs: Record<string, string>,
    updates: RefUpdate[],
    more: Partial<PushRequest> & { head?: string } = {},
  ) => {
    using wait = soon();
    const request = { objectDirs: [objectsOf(path)], objectFormat: "sha1" as const, updates };
    const now = { refs, head: more.head, gitDir: gitDirOf(path) };
    const { results, ...applied } = await applyPush({ ...request, ...more }, now, wait);
    return { ...applied, why: results.map((r) => (r.ok ? "ok" : r.why)), results };
  };
  return {
    A,
    B,
    X,
    update,
    apply,
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("a push makes, moves forward, forces and deletes refs as git's own server does", async () => {
  await using r = await repository();
  const { A, B, X, update } = r;
  const now = { [main]: A, [dev]: X, [tag]: A };
  const cases: [RefUpdate, string, Record<string, string>][] = [
    [update("refs/heads/new", B), "ok", { ...now, "refs/heads/new": B }],
    [update(main, B), "ok", { ...now, [main]: B }],
    [update(main, A), "ok", now],
    [update(dev, B), "non-fast-forward", now],
    [update(dev, B, { force: true }), "ok", { ...now, [dev]: B }],
    [update(tag, B), "already exists", now],
    [update(tag, B, { force: true }), "ok", { ...now, [tag]: B }],
    [update(dev, null), "ok", { [main]: A, [tag]: A }],
    [update("refs/heads/none", null), "remote ref does not exist", now],
    [update(main, null), "deletion of the current branch prohibited", now],
    [update(main, null, { force: true }), "deletion of the current branch prohibited", now],
    [update("refs/notes/x", A), "only branches and tags with valid names can be shared", now],
    [update("refs/heads/-x", A), "only branches and tags with valid names can be shared", now],
    [update("refs/heads/a..b", A), "only branches and tags with valid names can be shared", now],
  ];
  for (const [change, why, refs] of cases) {
    const applied = await r.apply(now, [change], { head: main });
    assert.deepEqual(applied.why, [why], JSON.stringify(change));
    assert.deepEqual(applied.refs, refs);
    assert.equal(applied.head, main);
  }
});

Deno.test("a lease holds what the ref must be", async () => {
  await using r = await repository();
  const { A, B, X, update } = r;
  const lease = async (expected: string | null, ref = main, oid: string | null = X) =>
    (await r.apply({ [main]: A }, [update(ref, oid, { force: true, expected })])).why[0];
  assert.equal(await lease(A), "ok");
  assert.equal(await lease(B), "stale info");
  assert.equal(await lease(null), "stale info");
  assert.equal(await lease(null, dev), "ok");
  assert.equal(await lease(A, dev), "stale info");
  assert.equal(await lease(B, main, null), "stale info");
});

Deno.test("an atomic push changes all or nothing", async () => {
  await using r = await repository();
  const { A, B, X, update } = r;
  const now = { [main]: A, [dev]: X };
  const some = await r.apply(now, [update(main, B), update(dev, B)]);
  assert.deepEqual([some.why, some.refs], [["ok", "non-fast-forward"], { ...now, [main]: B }]);
  const none = await r.apply(now, [update(main, B), update(dev, B)], { atomic: true });
  assert.deepEqual(none.why, ["atomic push failure", "non-fast-forward"]);
  assert.deepEqual(none.refs, now);
  const all = await r.apply(now, [update(main, B), update(dev, null)], { atomic: true });
  assert.deepEqual([all.why, all.refs], [["ok", "ok"], { [main]: B }]);
});

Deno.test("HEAD of a new repository is main, else master, else the first branch", async () => {
  await using r = await repository();
  const { A, update } = r;
  const head = async (...names: string[]) =>
    (await r.apply({}, names.map((name) => update(name, A)))).head;
  assert.equal(await head(dev, main), main);
  assert.equal(await head(dev, "refs/heads/master"), "refs/heads/master");
  assert.equal(await head(tag, dev, "refs/heads/x"), dev);
  assert.equal(await head(tag), main);
});

Deno.test("a ref whose name is a folder of another is refused, and the rest is taken", async () => {
  await using r = await repository();
  const { A, B, update } = r;
  const why = "conflicts with the name of another ref";
  const below = await r.apply({ [dev]: A }, [update(`${dev}/x`, A), update(main, B)]);
  assert.deepEqual([below.why, below.refs], [[why, "ok"], { [dev]: A, [main]: B }]);
  const above = await r.apply({ [`${dev}/x`]: A }, [update(dev, A)]);
  assert.deepEqual([above.why, above.refs], [[why], { [`${dev}/x`]: A }]);
  const both = await r.apply({}, [update(dev, A), update(`${dev}/x`, A)]);
  assert.deepEqual([both.why, both.refs], [["ok", why], { [dev]: A }]);
  const instead = await r.apply({ [main]: A, [dev]: A }, [
    update(dev, null),
    update(`${dev}/x`, A),
  ]);
  assert.deepEqual(instead.why, ["ok", "ok"]);
  const atomic = await r.apply({}, [update(dev, A), update(`${dev}/x`, A)], { atomic: true });
  assert.deepEqual([atomic.why, atomic.refs], [["atomic push failure", why], {}]);
});
