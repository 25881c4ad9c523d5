/** Packs that take far more to unpack than their size. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Budget, unpackBudget } from "../../../lib/git_interface/budget.ts";
import { indexIncoming, indexPack } from "../../../lib/git_interface/index_pack.ts";
import { emptyHistory, multiplied, packOf, zeros } from "./bombs.ts";
import { gitDirOf, initRepository, tempDir } from "./fixture.ts";

const MIB = 1 << 20;
const LINUX = Deno.build.os === "linux";

async function setUp(pack: Uint8Array) {
  const temp = await tempDir();
  const gitDir = gitDirOf(await initRepository(join(temp.path, "work")));
  const path = join(temp.path, "pack-1.pack");
  await Deno.writeFile(path, pack);
  const checks = { gitDir, strict: false, connected: true };
  return {
    size: pack.length,
    asFile: (budget?: Budget) =>
      indexPack({ ...checks, pack: path, idx: join(temp.path, "pack-1.idx"), budget }),
    asStream: async (budget?: Budget) => {
      await Deno.mkdir(join(gitDir, "objects", "pack"), { recursive: true });
      const incoming = await indexIncoming({
        ...checks,
        objectDirectory: join(gitDir, "objects"),
        name: "pack-2",
        size: pack.length,
        budget,
        signal: new AbortController().signal,
      });
      await incoming.write(pack);
      return await incoming.end();
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("a large file is hashed as it comes, whatever it unpacks to", async () => {
  await using bomb = await setUp(packOf([...emptyHistory().entries, zeros(300 * MIB)]));
  assert(bomb.size < 320 << 10, `${bomb.size}`);
  // Unbounded, git has it in memory.
  const budget = { ...unpackBudget(bomb.size), memoryBytes: 64 * MIB };
  await bomb.asFile(budget);
  await bomb.asStream(budget);
});

Deno.test({
  name: "deltas that unpack to more than the budget are refused (Linux)",
  ignore: !LINUX,
  fn: async () => {
    const entries = [
      ...emptyHistory().entries,
      zeros(16 * MIB),
      multiplied(1, 16 * MIB, 320 * MIB),
    ];
    await using bomb = await setUp(packOf(entries));
    assert(bomb.size < 32 << 10, `${bomb.size}`);
    const over = { name: "OverBudgetError", code: "over-budget", hint: /git clone/ };
    await assert.rejects(bomb.asFile(unpackBudget(bomb.size)), over);
    await assert.rejects(bomb.asStream(unpackBudget(bomb.size)), over);
    await bomb.asFile();
  },
});

Deno.test({
  name: "many deltas that take long are refused",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const deltas = Array.from(
      { length: 1000 },
      (_, i) => multiplied(i + 1, 4 * MIB, 64 * MIB, `mark ${i}`),
    );
    await using bomb = await setUp(packOf([...emptyHistory().entries, zeros(4 * MIB), ...deltas]));
    assert(bomb.size < 100 << 10, `${bomb.size}`);
    const budget = { ...unpackBudget(bomb.size), cpuSeconds: 1 };
    await assert.rejects(bomb.asStream(budget), { code: "over-budget" });
  },
});

Deno.test("a deep chain of small deltas is within the budget", async () => {
  let size = 100;
  const chain = Array.from({ length: 5000 }, (_, i) => {
    const before = size;
    size += `${i}`.length;
    return multiplied(1, before, before, `${i}`);
  });
  await using pack = await setUp(packOf([...emptyHistory().entries, zeros(100), ...chain]));
  await pack.asStream(unpackBudget(pack.size));
});
