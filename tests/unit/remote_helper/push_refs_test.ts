/** What a batch of `push` lines becomes for gtd, with a real repository behind it. */
import assert from "node:assert/strict";
import type { PushResult, RemoteState } from "../../../lib/daemon/api.ts";
import type { PushRequest } from "../../../lib/daemon/operations.ts";
import { HelperOptions } from "../../../lib/remote_helper/options.ts";
import {
  parsePushLine,
  pushAnswer,
  pushRefs,
  refuseOthers,
  unpublished,
} from "../../../lib/remote_helper/push.ts";
import { commit, git, initRepository, objectsOf, tempDir } from "../git_interface/fixture.ts";
import { GtrError } from "../../../lib/common/errors.ts";

const signal = AbortSignal.timeout(100_000);
const main = "refs/heads/main";
const URL = "torrent://3f1c/hello";
const FOREIGN = "1".repeat(40);

/** A working repository with two commits, and what pushing from it comes to. */
async function setUp() {
  const temp = await tempDir();
  const work = await initRepository(temp.path);
  const [first, second] = [await commit(work, "a"), await commit(work, "b")];
  const local = {
    gitDir: `${work}/.git`,
    commonDir: `${work}/.git`,
    objectDirectory: objectsOf(work),
    alternates: ["/alternate"],
  };
  const orders: Omit<PushRequest, "url">[] = [];
  const state = (refs: Record<string, string>): RemoteState => ({
    address: URL,
    publisher: "",
    name: "hello",
    sequence: 1,
    objectFormat: "sha1",
    head: main,
    packBytes: 0,
    own: true,
    refs,
  });
  const push = (
    lines: readonly string[],
    refs: Record<string, string>,
    options: readonly string[] = [],
    answer?: PushResult[],
  ) => {
    const set = new HelperOptions();
    for (const option of options) assert.equal(set.set(option), "ok");
    const publish = (order: Omit<PushRequest, "url">) => {
      orders.push(order);
      return Promise.resolve(
        answer ?? order.updates.map(({ ref }) => ({ ref, ok: true as const })),
      );
    };
    return pushRefs(lines.map(parsePushLine), state(refs), local, set, publish, signal);
  };
  return {
    work,
    local,
    first,
    second,
    push,
    state,
    /** What gtd was told meanwhile. */
    orders: () => orders.splice(0),
    updates: () => orders.splice(0).flatMap(({ updates }) => updates),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("push: what is handed to gtd", async () => {
  await using p = await setUp();
  const answers = await p.push([`main:${main}`, `:refs/heads/old`], { "refs/heads/old": p.first });
  assert.deepEqual(answers, [{ ref: main, ok: true }, { ref: "refs/heads/old", ok: true }]);
  assert.deepEqual(p.orders(), [{
    objectDirs: [p.local.objectDirectory, "/alternate"],
    objectFormat: "sha1",
    updates: [
      { ref: main, oid: p.second, force: false },
      { ref: "refs/heads/old", oid: null, force: false },
    ],
  }]);
  await p.push([`main:${main}`], {}, ["atomic true"]);
  assert.equal(p.orders()[0]!.atomic, true);
  await p.push([`+main:${main}`], { [main]: FOREIGN });
  await p.push([`main:${main}`], { [main]: FOREIGN }, ["force true"]);
  assert.deepEqual(p.updates().map(({ force }) => force), [true, true]);
});

Deno.test("push: a lease goes to gtd with what the ref must be", async () => {
  await using p = await setUp();
  const lease = (oid: string) => [`cas ${main}:${oid}`];
  assert.deepEqual(await p.push([`main:${main}`], { [main]: p.first }, lease(p.first)), [
    { ref: main, ok: true },
  ]);
  assert.deepEqual(p.updates(), [{ ref: main, oid: p.second, force: true, expected: p.first }]);
  await p.push([`main:${main}`], {}, lease("0".repeat(40)));
  assert.deepEqual(p.updates(), [{ ref: main, oid: p.second, force: true, expected: null }]);
  for (const [refs, oid] of [[{ [main]: p.second }, p.first], [{}, p.first]] as const) {
    const stale = await p.push([`main:${main}`], refs, lease(oid));
    assert.deepEqual(stale, [{ ref: main, ok: false, why: "stale info" }]);
  }
  assert.deepEqual(await p.push([`main:${main}`], { [main]: p.first }, lease("0".repeat(40))), [
    { ref: main, ok: false, why: "stale info" },
  ]);
  assert.deepEqual(p.orders(), []);
});

Deno.test("push: what can't be pushed is refused, and the rest is pushed unless it is atomic", async () => {
  await using p = await setUp();
  const tree = await git(p.work, ["rev-parse", "main^{tree}"]);
  const wrong = [
    [`nothing:${main}`, "no such object: nothing"],
    ["main:refs/notes/x", "only branches and tags with valid names can be shared"],
    [`${tree}:refs/heads/tree`, "a branch can't name a tree"],
  ] as const;
  for (const [line, why] of wrong) {
    const both = [line, "main:refs/heads/good"];
    const [bad, good] = await p.push(both, {});
    assert.deepEqual(bad, { ref: line.split(":")[1], ok: false, why });
    assert.equal(good!.ok, true);
    assert.deepEqual(p.updates().map(({ ref }) => ref), ["refs/heads/good"]);
    const [, atomic] = await p.push(both, {}, ["atomic true"]);
    assert.deepEqual(atomic, { ref: "refs/heads/good", ok: false, why: "atomic push failure" });
    assert.deepEqual(p.orders(), []);
  }
  assert.deepEqual(await p.push([`${tree}:refs/tags/tree`], {}), [
    { ref: "refs/tags/tree", ok: true },
  ]);
});

Deno.test("push: over what isn't here only by force; of what is here gtd decides", async () => {
  await using p = await setUp();
  assert.deepEqual(await p.push([`main:${main}`], { [main]: FOREIGN }), [
    { ref: main, ok: false, why: "fetch first" },
  ]);
  assert.deepEqual(p.orders(), []);
  await p.push([`${p.first}:${main}`], { [main]: p.second });
  assert.deepEqual(p.updates(), [{ ref: main, oid: p.first, force: false }]);
  await p.push([`:${main}`], { [main]: FOREIGN });
  assert.deepEqual(p.updates(), [{ ref: main, oid: null, force: false }]);
});

Deno.test("push: a dry run tells gtd nothing", async () => {
  await using p = await setUp();
  const lines = [`main:${main}`, "main:refs/notes/x"];
  const answers = await p.push(lines, {}, ["dry-run true"]);
  assert.deepEqual(answers.map(({ ok }) => ok), [true, false]);
  assert.deepEqual(p.orders(), []);
});

Deno.test("push: gtd's refusal is that ref's, and no answer is one", async () => {
  await using p = await setUp();
  const lines = [`main:${main}`, "main:refs/heads/b"];
  const answers = await p.push(lines, {}, [], [{ ref: main, ok: false, why: "non-fast-forward" }]);
  assert.deepEqual(answers, [
    { ref: main, ok: false, why: "non-fast-forward" },
    { ref: "refs/heads/b", ok: false, why: "no answer from gtd" },
  ]);
  assert.equal(pushAnswer(answers[0]!), `error ${main} fetch first`);
  assert.equal(pushAnswer({ ref: main, ok: true }), `ok ${main}`);
  assert.equal(pushAnswer({ ref: main, ok: false, why: "a\nb" }), `error ${main} "a\\nb"`);
});

Deno.test("push: object ids have the form of the repository's", async () => {
  await using p = await setUp();
  const state = { ...p.state({}), objectFormat: "sha256" as const };
  const line = parsePushLine(`main:${main}`);
  const publish = () => Promise.reject(new Error("nothing to publish"));
  assert.deepEqual(await pushRefs([line], state, p.local, new HelperOptions(), publish, signal), [
    { ref: main, ok: false, why: "the repository's object format is sha256" },
  ]);
});

Deno.test("push: lines as git writes them", () => {
  assert.deepEqual(parsePushLine(`+:/text:${main}`), { force: true, source: ":/text", ref: main });
  assert.deepEqual(parsePushLine(`:${main}`), { force: false, source: "", ref: main });
  for (const text of ["", "main", "main:"]) {
    assert.throws(() => parsePushLine(text), { code: "bad-command" });
  }
});

Deno.test("push: someone else's address is refused, a new name of one's own is empty", async () => {
  await using p = await setUp();
  refuseOthers(p.state({}));
  const theirs = { ...p.state({}), own: false };
  assert.throws(() => refuseOthers(theirs), { code: "not-yours", hint: /gtr init/ });
  assert.throws(() => refuseOthers({ ...theirs, servers: [] }), { hint: /without gtr/ });
  const failure = new GtrError("not-published", "nothing is published yet");
  const state = await unpublished(URL, failure, p.local, signal);
  assert.deepEqual([state.refs, state.own, state.objectFormat], [{}, true, "sha1"]);
  const other = new GtrError("nobody-answered", "nobody");
  await assert.rejects(unpublished(URL, other, p.local, signal), other);
  await assert.rejects(unpublished(URL, new Error("x"), p.local, signal), /^Error: x$/);
});
