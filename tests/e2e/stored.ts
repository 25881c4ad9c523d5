/**
 * Looking at a stored repository from outside.
 *
 * @module
 */
import assert from "node:assert/strict";
import { dirname, relative } from "node:path";
import type { Node } from "./node.ts";

/** Every file that a stored repository consists of when nothing goes on. */
const EXPECTED = [
  /^[\w.-]+\.lock$/,
  /^[\w.-]+\.git\/(HEAD|config|description|packed-refs|info\/refs)$/,
  /^[\w.-]+\.git\/refs\/(heads|tags)\/.+(?<!\.lock)$/,
  /^[\w.-]+\.git\/objects\/(pack\/pack-[0-9a-f]{64}\.(pack|idx)|info\/packs)$/,
  /^[\w.-]+\.git\/gtr\/(manifest|state)\.json$/,
  /^[\w.-]+\.git\/gtr\/retired\/[0-9a-f]{64}\.pack$/,
];

/** Fails unless git finds a store's repository sound and there is no file beside those it needs. */
export async function assertSound(node: Node, store: string): Promise<void> {
  await node.git("--git-dir", store, "fsck", "--full", "--strict");
  const folder = dirname(store);
  const files = (await node.run("find", [folder, "!", "-type", "d"])).stdout.trim().split("\n");
  const others = files.map((path) => relative(folder, path))
    .filter((path) => !EXPECTED.some((expected) => expected.test(path)));
  assert.deepEqual(others, []);
}
