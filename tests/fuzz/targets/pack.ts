/** Packs, with an index of theirs that lies in the way: what is taken in is what git wrote itself. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { takeFile } from "../../../lib/store/intake.ts";
import { acceptedLater, simple, type Target } from "../target.ts";

/** In front of the pack stands its length, big endian; behind it comes the index. */
const LENGTH = 4;
const TAKE_MS = 15_000;

export async function make(folder: string): Promise<Target> {
  const gitDir = join(folder, "repository.git");
  await git("init", "--quiet", "--bare", gitDir);
  let count = 0;
  return simple({
    form: "bytes",
    maxBytes: 64 * 1024,
    check: async (input) => {
      const objects = join(folder, `objects-${++count}`);
      try {
        return await take(gitDir, objects, input);
      } finally {
        await Deno.remove(objects, { recursive: true }).catch(() => {});
      }
    },
  });
}

async function take(gitDir: string, objects: string, input: Uint8Array): Promise<boolean> {
  if (input.length < LENGTH) return false;
  const length = new DataView(input.buffer, input.byteOffset).getUint32(0);
  const bytes = repaired(input.slice(LENGTH, LENGTH + Math.min(length, input.length - LENGTH)));
  const idx = input.slice(LENGTH + bytes.length);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const objectCount = bytes.length >= 12 ? new DataView(bytes.buffer).getUint32(8) : 1;
  await Deno.mkdir(join(objects, "pack"), { recursive: true });
  const path = join(objects, "incoming");
  await Deno.writeFile(path, bytes);
  await Deno.writeFile(join(objects, "pack", `pack-${sha256}.idx`), idx);
  const pack = {
    sha256,
    size: bytes.length,
    infohash: "1".repeat(40),
    objects: objectCount,
    tips: [],
  };
  const signal = AbortSignal.timeout(TAKE_MS);
  const options = { gitDir, objectDirectory: objects, pack, strict: true, connected: true, signal };
  const taken = await acceptedLater(() => takeFile(path, options));
  if (!taken) return false;
  assert.deepEqual(await Deno.readFile(taken.packPath), bytes);
  await Deno.remove(path);
  await git("--git-dir", gitDir, "-c", "core.alternateRefsCommand=", "verify-pack", taken.idxPath);
  await new Deno.Command("git", {
    args: ["--git-dir", gitDir, "fsck", "--full", "--strict", "--no-dangling"],
    env: { GIT_OBJECT_DIRECTORY: objects },
    stderr: "piped",
  }).output().then(({ success, stderr }) => {
    assert.ok(success, new TextDecoder().decode(stderr));
  });
  return true;
}

/** With the checksum that belongs to it, else git looks no further. */
function repaired(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  if (copy.length < 32 || copy.at(-1)! % 8 === 0) return copy;
  copy.set(createHash("sha1").update(copy.subarray(0, -20)).digest(), copy.length - 20);
  return copy;
}

async function git(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("git", { args, stderr: "piped" }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
