/**
 * The end of a file that grows.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { storeError } from "../common/atomic_file.ts";

/** The end of a file in which lines are looked for; lines before that are not printed. */
const MAX_TAIL_BYTES = 4 * 1024 * 1024;

/**
 * The last `count` lines of a file and its size in bytes; undefined where there is no such file.
 *
 * @throws {StoreError} where it can't be read
 */
export async function lastLines(
  path: string,
  count: number,
): Promise<{ text: string; size: number } | undefined> {
  const size = await sizeOf(path);
  if (size === undefined) return undefined;
  const end = await readRange(path, Math.max(0, size - MAX_TAIL_BYTES), size);
  const lines = new TextDecoder().decode(end).split(/(?<=\n)/);
  return { text: count === 0 ? "" : lines.slice(-count).join(""), size };
}

/**
 * What is added to a file, as it comes, from the byte `from` on; a file that becomes shorter is read
 * from its start. Ends when the signal aborts. The file's folder must exist, the file needn't.
 */
export async function* followFile(
  path: string,
  from: number,
  signal: AbortSignal,
): AsyncIterable<string> {
  if (signal.aborted) return;
  using watcher = Deno.watchFs(dirname(path), { recursive: false });
  const stop = () => watcher.close();
  signal.addEventListener("abort", stop, { once: true });
  const decoder = new TextDecoder();
  let read = from;
  const added = async (): Promise<string> => {
    const size = await sizeOf(path) ?? 0;
    if (size < read) read = 0;
    const bytes = await readRange(path, read, size);
    read += bytes.length;
    return decoder.decode(bytes, { stream: true });
  };
  try {
    yield await added(); // what came between the caller's reading and our watching
    for await (const event of watcher) {
      if (event.paths.some((changed) => basename(changed) === basename(path))) yield await added();
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storeError(`can't read ${path}`, error);
  }
}

async function readRange(path: string, from: number, to: number): Promise<Uint8Array> {
  if (to <= from) return new Uint8Array();
  using file = await Deno.open(path);
  await file.seek(from, Deno.SeekMode.Start);
  const bytes = new Uint8Array(to - from);
  let filled = 0;
  while (filled < bytes.length) {
    const n = await file.read(bytes.subarray(filled));
    if (n === null) break;
    filled += n;
  }
  return bytes.subarray(0, filled);
}
