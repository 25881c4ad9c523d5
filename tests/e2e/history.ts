/**
 * Repositories of a given size, made fast.
 *
 * @module
 */
import type { Node } from "./node.ts";

/** Text of `length` characters that doesn't compress well; the same for the same `seed`. */
export function noise(length: number, seed = 1): string {
  let state = seed >>> 0 || 1;
  const bytes = new Uint8Array(Math.ceil(length * 0.75));
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13; // xorshift32
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes.toBase64().slice(0, length);
}

/**
 * A repository `name` on branch main with `commits` commits, each of which adds four objects: itself,
 * two trees and a blob.
 */
export async function importHistory(node: Node, name: string, commits: number): Promise<void> {
  const lines: string[] = [];
  for (let i = 1; i <= commits; i++) {
    const message = `commit ${i}\n`;
    const content = `${i} ${noise(60, i)}\n`;
    lines.push(
      "commit refs/heads/main",
      `committer Test <test@example.org> ${1_700_000_000 + i} +0000`,
      `data ${message.length}\n${message}`,
      `M 644 inline folder${i % 50}/file${i % 7}`,
      `data ${content.length}\n${content}`,
    );
  }
  const path = node.path(name);
  await node.git("init", "-q", path);
  const { code, stderr } = await node.run("git", ["fast-import", "--quiet"], {
    cwd: path,
    stdin: lines.join("\n") + "\n",
  });
  if (code !== 0) throw new Error(stderr);
  await node.gitIn(path, "reset", "-q", "--hard", "main");
}
