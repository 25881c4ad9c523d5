/** Where faults are put, and whom they concern. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Concerned } from "../../../scripts/mutants/concerned.ts";
import plugin from "../../../scripts/mutants/faults_plugin.ts";
import { describe, faultsIn, inTurn, mutated, shuffled } from "../../../scripts/mutants/faults.ts";
import { roomFiles } from "../../../scripts/mutants/rooms.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");

/** What becomes of a text, by the kinds of its faults. */
function faulty(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { message } of Deno.lint.runPlugin(plugin, "x.ts", text)) {
    const [kind, start, end, replacement] = JSON.parse(message);
    (found[kind] ??= []).push(mutated(text, { file: "", kind, start, end, replacement }));
  }
  return found;
}

Deno.test("mutants: a check is dropped, or its condition inverted or halved", () => {
  assert.deepEqual(faulty("if (a && b) c();"), {
    "inverted condition": ["if (!(a && b)) c();"],
    "dropped check": ["{}"],
    "dropped operand": ["if ((a)) c();", "if ((b)) c();"],
    "removed statement": ["if (a && b) ;"],
  });
  assert.deepEqual(faulty("x = a === b ? c : d;")["inverted condition"], [
    "x = !(a === b) ? c : d;",
    "x = a !== b ? c : d;",
  ]);
});

Deno.test("mutants: bounds, units, permissions and sums", () => {
  assert.deepEqual(faulty("f = a >= (b);").boundary, ["f = a > (b);"]);
  assert.deepEqual(faulty("f = Math.min(a, b);").boundary, ["f = Math.max(a, b);"]);
  assert.deepEqual(faulty("f = a + 1;")["off by one"], ["f = (a);", "f = a + (1 + 1);"]);
  assert.deepEqual(faulty("f = a * 60;")["wrong unit"], ["f = (a);"]);
  assert.deepEqual(faulty("f = 30_000;")["wrong unit"], ["f = (30_000 / 1000);"]);
  assert.deepEqual(faulty("f = 0o077;")["wrong permission"], ["f = 0o007;"]);
  assert.deepEqual(faulty("a += b;")["no sum"], ["a = b;"]);
  assert.deepEqual(faulty("f = true;")["flipped flag"], ["f = false;"]);
});

Deno.test("mutants: an await forgotten, an argument or a member left out", () => {
  const { "missing await": forgotten, "removed statement": removed } = faulty("await f(a);");
  assert.deepEqual([forgotten, removed], [["void f(a);"], [";"]]);
  assert.deepEqual(faulty("x = f(a, b);")["dropped argument"], ["x = f(a);"]);
  assert.deepEqual(faulty("x = { a, b: c };")["dropped argument"], [
    "x = { b: c };",
    "x = { a,  };",
  ]);
});

Deno.test("mutants: types, errors' words and the log have no faults", () => {
  for (
    const text of [
      "type A = { b: true } | 1;",
      "throw new StoreError('x', f(a), { hint: b });",
      "log(a + 1);",
      "this.#trace?.(a);",
      "wait.trace?.(f(1));",
      "options.dropped(true);",
    ]
  ) assert.deepEqual(faulty(text), {}, text);
});

Deno.test("mutants: real files, in an order that a seed stands for", async () => {
  const file = "lib/store/quarantine.ts";
  const faults = await faultsIn(ROOT, [file]);
  const text = await Deno.readTextFile(join(ROOT, file));
  assert.ok(faults.length > 50);
  const removed = faults.find((fault) =>
    /await remove\(`\$\{base\}\.idx`\)/.test(text.slice(fault.start, fault.end))
  );
  assert.match(
    describe(text, removed!),
    /^lib\/store\/quarantine.ts:\d+ {2}removed statement\n {4}- await remove/,
  );
  assert.deepEqual(shuffled(faults, 1), shuffled(faults, 1));
  assert.notDeepEqual(shuffled(faults, 1), shuffled(faults, 2));
  const kinds = new Set(faults.map(({ kind }) => kind));
  assert.deepEqual(
    new Set(shuffled(faults, 3).slice(0, kinds.size).map(({ kind }) => kind)),
    kinds,
  );
  assert.deepEqual(inTurn([[1, 2, 3], [], [4]]), [1, 4, 2, 3]);
});

Deno.test("mutants: the nearest tests of a file come first", async () => {
  const concerned = await Concerned.read(ROOT);
  const tests = concerned.tests("lib/store/tidy.ts");
  assert.equal(tests[0], "tests/unit/store/tidy_test.ts");
  assert.ok(tests.includes("tests/unit/engine/fetch/sync_test.ts"));
  assert.ok(!tests.includes("tests/unit/udx/rack_test.ts"));
  // By way of a program that a test runs.
  const helper = concerned.tests("lib/remote_helper/session.ts");
  assert.ok(helper.includes("tests/unit/remote_helper/push_test.ts"));
});

Deno.test("mutants: every room has files, and a folder or a file may be named instead", async () => {
  for (const [room, files] of await roomFiles(ROOT)) {
    assert.ok(files.length > 0, room);
    for (const file of files) assert.ok((await Deno.stat(join(ROOT, file))).isFile, file);
  }
  const named = await roomFiles(ROOT, ["lib/udx/rack.ts", "lib/manifest/"]);
  assert.deepEqual(named.get("lib/udx/rack.ts"), ["lib/udx/rack.ts"]);
  assert.ok(named.get("lib/manifest/")!.includes("lib/manifest/envelope.ts"));
});
