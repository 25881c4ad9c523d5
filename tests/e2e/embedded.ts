/**
 * Reading what `deno compile` put into a binary.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";

/** What a binary has beside Deno's runtime. */
export interface Embedded {
  /** The names of the files, sorted. */
  readonly files: string[];
  /** Options that `deno compile` was given, by Deno's own names. */
  readonly permissions: Record<string, unknown>;
  readonly entry: string;
}

/** Two of these stand in front of it. */
const MAGIC = "d3n0l4ndd3n0l4nd";

/** Reads the binary at `path`: `MAGIC`, then the size and the JSON of its settings; then its files. */
export async function readEmbedded(path: string): Promise<Embedded> {
  const bytes = Buffer.from(await Deno.readFile(path));
  const start = bytes.lastIndexOf(MAGIC) + MAGIC.length;
  assert.ok(start >= MAGIC.length, `${path} has nothing embedded`);
  const end = start + 8 + Number(bytes.readBigUInt64LE(start));
  const settings = JSON.parse(bytes.toString("utf8", start + 8, end));
  const list = bytes.indexOf('[{"', end);
  const size = Number(bytes.readBigUInt64LE(list - 8));
  const entries = JSON.parse(bytes.toString("utf8", list, list + size));
  const files = entries.map((entry: { File: { n: string } }) => entry.File.n); // no folder, no link
  return { files: files.sort(), permissions: settings.permissions, entry: settings.entrypoint_key };
}
