import assert from "node:assert/strict";
import { join } from "node:path";
import { joinRefs, type SharedState } from "../../../../lib/engine/publish/working_repository.ts";
import { gitDirOf, initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, soon, tempDir } from "../fixture.ts";

/** Commits A - B - C, and X beside B. */
type Commit = "A" | "B" | "C" | "X";
type Refs = Readonly<Record<string, Commit>>;

interface Case {
  readonly what: string;
  /** Last seen in the working repository, there now, and published. */
  readonly before: Refs;
  readonly here: Refs;
  readonly there: Refs;
  /** Refs that exist in the working repository and are not shared. */
  readonly unshared?: readonly string[];
  /** Branches in the settings; default: all that are here or were before. */
  readonly branches?: readonly string[];
  /** To publish then; default: as it was. */
  readonly refs?: Refs;
  /** To remember; default: as it is here. */
  readonly seen?: Refs;
  readonly diverged?: readonly string[];
  readonly scratch?: true;
}

const main = "refs/heads/main";
const dev = "refs/heads/dev";
const tag = "refs/tags/v1";

const CASES: readonly Case[] = [
  { what: "nothing at all", before: {}, here: {}, there: {} },
  { what: "first commit", before: {}, here: { [main]: "A" }, there: {}, refs: { [main]: "A" } },
  {
    what: "nothing new",
    before: { [main]: "A" },
    here: { [main]: "A" },
    there: { [main]: "A" },
  },
  {
    what: "a commit",
    before: { [main]: "A" },
    here: { [main]: "B" },
    there: { [main]: "A" },
    refs: { [main]: "B" },
  },
  {
    what: "amended",
    before: { [main]: "B" },
    here: { [main]: "X" },
    there: { [main]: "B" },
    refs: { [main]: "X" },
  },
  {
    what: "reset to before",
    before: { [main]: "C" },
    here: { [main]: "A" },
    there: { [main]: "C" },
    refs: { [main]: "A" },
  },
  {
    what: "moved by a push, and nothing new here",
    before: { [main]: "A" },
    here: { [main]: "A" },
    there: { [main]: "B" },
  },
  {
    what: "moved by a push, and pulled",
    before: { [main]: "A" },
    here: { [main]: "B" },
    there: { [main]: "B" },
  },
  {
    what: "moved by a push, pulled, and gone on",
    before: { [main]: "A" },
    here: { [main]: "C" },
    there: { [main]: "B" },
    refs: { [main]: "C" },
  },
  {
    what: "moved by a push farther than here",
    before: { [main]: "A" },
    here: { [main]: "B" },
    there: { [main]: "C" },
  },
  {
    what: "diverged from a push: the push stays, and it is said each time until it is pulled",
    before: { [main]: "A" },
    here: { [main]: "X" },
    there: { [main]: "B" },
    seen: { [main]: "A" },
    diverged: [main],
  },
  {
    what: "diverged from a push before it was ever read",
    before: {},
    here: { [main]: "X" },
    there: { [main]: "B" },
    seen: {},
    diverged: [main],
  },
  {
    what: "deleted by a push, and nothing new here: it stays deleted",
    before: { [main]: "A" },
    here: { [main]: "A" },
    there: {},
  },
  {
    what: "deleted by a push, and gone on here",
    before: { [main]: "A" },
    here: { [main]: "B" },
    there: {},
    refs: { [main]: "B" },
  },
  {
    what: "made by a push and unknown here: it stays",
    before: { [main]: "A" },
    here: { [main]: "A" },
    there: { [main]: "A", [dev]: "B" },
  },
  {
    what: "deleted here",
    before: { [main]: "A", [dev]: "B" },
    here: { [main]: "A" },
    there: { [main]: "A", [dev]: "B" },
    refs: { [main]: "A" },
  },
  {
    what: "deleted here but moved by a push: the push stays",
    before: { [main]: "A", [dev]: "B" },
    here: { [main]: "A" },
    there: { [main]: "A", [dev]: "C" },
  },
  {
    what: "deleted here and there",
    before: { [main]: "A", [dev]: "B" },
    here: { [main]: "A" },
    there: { [main]: "A" },
  },
  {
    what: "a branch taken out of sharing leaves with all its objects",
    before: { [main]: "A", [dev]: "B" },
    here: { [main]: "A" },
    there: { [main]: "A", [dev]: "B" },
    unshared: [dev],
    refs: { [main]: "A" },
    scratch: true,
  },
  {
    what: "taken out of sharing though a push has moved it",
    before: { [main]: "A", [dev]: "B" },
    here: { [main]: "A" },
    there: { [main]: "A", [dev]: "C" },
    unshared: [dev],
    refs: { [main]: "A" },
    scratch: true,
  },
  {
    what: "taken out of sharing and deleted at once",
    before: { [main]: "A", [dev]: "B" },
    here: { [main]: "A" },
    there: { [main]: "A", [dev]: "B" },
    branches: [main],
    refs: { [main]: "A" },
    scratch: true,
  },
  {
    what: "a tag that shared branches no longer reach",
    before: { [main]: "B", [tag]: "B" },
    here: { [main]: "X" },
    there: { [main]: "B", [tag]: "B" },
    unshared: [tag],
    refs: { [main]: "X" },
    scratch: true,
  },
  {
    what: "a tag deleted here",
    before: { [main]: "A", [tag]: "A" },
    here: { [main]: "A" },
    there: { [main]: "A", [tag]: "A" },
    refs: { [main]: "A" },
  },
  {
    what: "a tag made here",
    before: { [main]: "A" },
    here: { [main]: "A", [tag]: "A" },
    there: { [main]: "A" },
    refs: { [main]: "A", [tag]: "A" },
  },
  {
    what: "a name taken over by another repository: what that lacks leaves",
    before: { [main]: "C", [dev]: "B" },
    here: { [main]: "X" },
    there: { [main]: "C", [dev]: "B" },
    branches: [main],
    refs: { [main]: "X" },
    scratch: true,
  },
];

Deno.test("refs of the working repository are joined with what was pushed", async (t) => {
  await using temp = await tempDir();
  const path = await initRepository(join(temp.path, "work"));
  const A = await emptyCommit(path);
  const B = await emptyCommit(path, { parent: A });
  const commits = {
    A,
    B,
    C: await emptyCommit(path, { parent: B }),
    X: await emptyCommit(path, { parent: A }),
  };
  const oids = (refs: Refs) =>
    Object.fromEntries(Object.entries(refs).map(([name, commit]) => [name, commits[commit]]));

  for (const wanted of CASES) {
    await t.step(wanted.what, async () => {
      const { before, here, there, unshared = [] } = wanted;
      const branches = wanted.branches ?? [...Object.keys(here), ...Object.keys(before)]
        .filter((name) => name.startsWith("refs/heads/") && !unshared.includes(name));
      const now: SharedState = {
        settings: { version: 1, name: "hello", branches: [...branches], tags: "reachable" },
        refs: new Map(Object.entries(oids(here))),
        skipped: new Map(),
        existing: new Map([...Object.keys(here), ...unshared].map((name) => [name, ""])),
        head: main,
        objectFormat: "sha1",
        objectDirs: [objectsOf(path)],
      };
      using wait = soon();
      const joined = await joinRefs(now, oids(before), oids(there), {
        gitDir: gitDirOf(path),
        signal: wait.signal,
      });
      assert.deepEqual(joined.refs, oids(wanted.refs ?? there));
      assert.deepEqual(joined.seen, oids(wanted.seen ?? here));
      assert.equal(joined.unshared, wanted.scratch ?? false);
      assert.deepEqual(joined.warnings, []);
      assert.deepEqual(joined.diverged, wanted.diverged ?? []);
    });
  }
});

Deno.test("a ref whose name a manifest can't hold is left out, and said", async () => {
  const now: SharedState = {
    settings: { version: 1, name: "hello", branches: ["refs/heads/-x"], tags: "reachable" },
    refs: new Map(),
    skipped: new Map([["refs/heads/-x", "why not"]]),
    existing: new Map([["refs/heads/-x", ""]]),
    head: "refs/heads/-x",
    objectFormat: "sha1",
    objectDirs: [],
  };
  using wait = soon();
  const joined = await joinRefs(now, {}, {}, { gitDir: "/none", signal: wait.signal });
  assert.deepEqual(joined.warnings, ["refs/heads/-x is not shared: why not"]);
  assert.deepEqual([joined.refs, joined.unshared], [{}, false]);
});
