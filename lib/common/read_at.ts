/**
 * Reading a part of a file.
 *
 * @module
 */

/** An open file, as far as reading a part of it needs it. */
interface Seekable {
  seek(offset: number, whence: Deno.SeekMode): Promise<number>;
  read(into: Uint8Array): Promise<number | null>;
}

/** Up to `length` bytes from `offset` on: fewer if the file ends, none before its start. */
export async function readAt(file: Seekable, offset: number, length: number): Promise<Uint8Array> {
  if (offset < 0) return new Uint8Array();
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let left = bytes;
  while (left.length > 0) {
    const n = await file.read(left);
    if (n === null) break;
    left = left.subarray(n);
  }
  return bytes.subarray(0, length - left.length);
}
