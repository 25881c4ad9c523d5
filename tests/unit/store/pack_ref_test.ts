import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describePack } from "../../../lib/store/pack_ref.ts";
import { tempDir } from "../git_interface/fixture.ts";

const MIB = 1 << 20;

Deno.test("pack ref: the whole file is hashed, part by part", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "x.pack");
  const bytes = new Uint8Array(MIB + 10).fill(7);
  await Deno.writeFile(path, bytes);
  const told: number[] = [];
  const wait = {
    signal: AbortSignal.timeout(60_000),
    progress: (done: number) => void told.push(done),
  };
  const { infohash, ...ref } = await describePack(path, 3, ["tip"], wait);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  assert.deepEqual(ref, { sha256, size: bytes.length, objects: 3, tips: ["tip"] });
  assert.match(infohash, /^[0-9a-f]{40}$/);
  assert.deepEqual(told, [MIB, bytes.length]);
});

Deno.test("pack ref: a file that becomes shorter meanwhile is not described", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "x.pack");
  await Deno.writeFile(path, new Uint8Array(MIB + 10));
  const wait = {
    signal: AbortSignal.timeout(60_000),
    progress: () => Deno.truncateSync(path, MIB),
  };
  await assert.rejects(describePack(path, 3, [], wait), /became shorter while it was read/);
});
