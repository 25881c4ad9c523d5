import assert from "node:assert/strict";
import { join } from "node:path";
import { followFile, lastLines } from "../../../lib/cli/tail.ts";
import { deadline } from "../../../lib/common/wait.ts";

Deno.test("lastLines: the last line may be unfinished", async () => {
  const folder = await Deno.makeTempDir({ prefix: "gtr-test-" });
  const path = join(folder, "log");
  assert.equal(await lastLines(path, 1), undefined);
  await Deno.writeTextFile(path, "a\nb\nc");
  assert.deepEqual(await lastLines(path, 2), { text: "b\nc", size: 5 });
  assert.deepEqual(await lastLines(path, 9), { text: "a\nb\nc", size: 5 });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("followFile: what is added, also to a file that is replaced", async () => {
  const folder = await Deno.makeTempDir({ prefix: "gtr-test-" });
  const path = join(folder, "log");
  using limit = deadline(60_000, "what was written");
  const ending = new AbortController();
  const added = followFile(path, 0, AbortSignal.any([limit.signal, ending.signal]));
  const reader = added[Symbol.asyncIterator]();
  let read = "";
  const until = async (wanted: string) => {
    while (!read.includes(wanted)) {
      const { value, done } = await reader.next();
      if (done) throw limit.signal.reason ?? new Error(`ended before ${wanted}`);
      read += value;
    }
  };
  await reader.next(); // it watches now
  await Deno.writeTextFile(path, "first line\n");
  await until("first line\n");
  await Deno.writeTextFile(path, "second line\n", { append: true });
  await until("second line\n");
  await Deno.writeTextFile(path, "new\n");
  await until("new\n");
  assert.equal(read, "first line\nsecond line\nnew\n");
  ending.abort();
  assert.equal((await reader.next()).done, true);
  await Deno.remove(folder, { recursive: true });
});
