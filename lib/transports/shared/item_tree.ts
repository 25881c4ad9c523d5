/**
 * A file as small immutable items of a DHT: leaves, and above them nodes that are the hashes of what
 * is below, up to one root. Each item is found by its own hash, so that nothing wrong can be read. The
 * file's size tells how high the tree is.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { VerificationError } from "../../common/errors.ts";
import { mapLimited } from "../../common/map_limited.ts";

/** How a network's trees are made. */
export interface ItemForm {
  /** The most that an item holds. */
  readonly itemBytes: number;
  readonly hashBytes: number;
  /** Items that are put or got at once. */
  readonly atOnce: number;
}

/** Puts an item and returns its hash. */
export type PutItem = (value: Buffer) => Promise<Buffer>;
/** Gets an item whose hash is right; undefined if nobody has it. */
export type GetItem = (hash: Buffer) => Promise<Uint8Array | undefined>;

/** Puts a file, which must not be empty: leaves first, root last. Returns the hash of the root. */
export async function putTree(file: Uint8Array, form: ItemForm, put: PutItem): Promise<Buffer> {
  let items = cut(file, form.itemBytes);
  for (;;) {
    const hashes = await mapLimited(items, form.atOnce, put);
    if (hashes.length === 1) return hashes[0]!;
    items = cut(Buffer.concat(hashes), fanOf(form) * form.hashBytes);
  }
}

/**
 * The file of `size` bytes with this root; undefined if a part of it is missing.
 *
 * @throws {VerificationError} "bad-record" if the size is more than `most`, or isn't the file's
 */
export async function getTree(
  { hash, size }: { readonly hash: Uint8Array; readonly size: number },
  most: number,
  form: ItemForm,
  get: GetItem,
): Promise<Buffer | undefined> {
  if (size < 1 || size > most) throw badTree(`a file of ${size} bytes can't be there`);
  let content = Buffer.from(hash);
  for (const length of lengths(size, form)) {
    let missing = false;
    const items = await mapLimited(cut(content, form.hashBytes), form.atOnce, async (hash) => {
      const item = missing ? undefined : await get(hash);
      missing ||= item === undefined;
      return item ?? Buffer.alloc(0);
    });
    if (missing) return undefined;
    content = Buffer.concat(items);
    if (content.length !== length) throw badTree("its parts are of other sizes");
  }
  return content;
}

/** Bytes of each level, from the root down to the file. */
function lengths(size: number, form: ItemForm): number[] {
  const found = [size];
  let items = Math.ceil(size / form.itemBytes);
  for (; items > 1; items = Math.ceil(items / fanOf(form))) found.unshift(items * form.hashBytes);
  return found;
}

/** Hashes in a node. */
function fanOf({ itemBytes, hashBytes }: ItemForm): number {
  return Math.floor(itemBytes / hashBytes);
}

function cut(content: Uint8Array, bytes: number): Buffer[] {
  const all = Buffer.from(content.buffer, content.byteOffset, content.length);
  return Array.from(
    { length: Math.ceil(all.length / bytes) },
    (_, i) => all.subarray(i * bytes, (i + 1) * bytes),
  );
}

function badTree(why: string): VerificationError {
  return new VerificationError("bad-record", `can't use what the DHT holds: ${why}`);
}
