/** Small packs that unpack to much (gitformat-pack(5)). */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

const TYPES = { commit: 1, tree: 2, blob: 3, delta: 6 };
/** The most that one instruction of a delta copies, in bytes. */
const COPY_BYTES = 0xffffff;

/** An object as it lies in a pack; a delta names its base by how many objects before it that lies. */
export type Entry =
  | { readonly type: "commit" | "tree" | "blob"; readonly content: Uint8Array }
  | { readonly type: "delta"; readonly back: number; readonly content: Uint8Array };

/** A pack with these objects, in this order. */
export function packOf(entries: readonly Entry[]): Buffer {
  const header = Buffer.alloc(12);
  header.write("PACK");
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  const parts: Buffer[] = [header];
  const starts: number[] = [];
  let at = header.length;
  for (const entry of entries) {
    const base = entry.type === "delta" ? starts[starts.length - entry.back]! : 0;
    const made = Buffer.concat([
      typeAndSize(TYPES[entry.type], entry.content.length),
      entry.type === "delta" ? offset(at - base) : Buffer.alloc(0),
      deflateSync(entry.content, { level: 9 }),
    ]);
    starts.push(at);
    at += made.length;
    parts.push(made);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

/** A blob of so many zeros. */
export function zeros(bytes: number): Entry {
  return { type: "blob", content: new Uint8Array(bytes) };
}

/**
 * A delta that copies its base's start again and again.
 *
 * @param before bytes of the base
 * @param after about so many bytes come of it
 * @param mark makes it another object than one with another mark
 */
export function multiplied(back: number, before: number, after: number, mark = "x"): Entry {
  const copy = Math.min(before, COPY_BYTES);
  const copies = Math.ceil(after / copy);
  const instruction = Buffer.from([0xf0, copy & 0xff, copy >> 8 & 0xff, copy >> 16]);
  const content = Buffer.concat([
    varint(before),
    varint(copies * copy + mark.length),
    ...Array(copies).fill(instruction),
    Buffer.from([mark.length, ...Buffer.from(mark)]),
  ]);
  return { type: "delta", back, content };
}

/** A commit of an empty tree with that tree, and the commit's id. */
export function emptyHistory(): { readonly entries: Entry[]; readonly tip: string } {
  const tree = new Uint8Array();
  const who = "A <a@example.org> 1700000000 +0000";
  const content = Buffer.from(
    `tree ${idOf("tree", tree)}\nauthor ${who}\ncommitter ${who}\n\nempty\n`,
  );
  return {
    entries: [{ type: "commit", content }, { type: "tree", content: tree }],
    tip: idOf("commit", content),
  };
}

function idOf(type: string, content: Uint8Array): string {
  return createHash("sha1").update(`${type} ${content.length}\0`).update(content).digest("hex");
}

function typeAndSize(type: number, size: number): Buffer {
  const rest = Math.floor(size / 16);
  const first = type << 4 | size & 15;
  return rest === 0
    ? Buffer.from([first])
    : Buffer.concat([Buffer.from([first | 128]), varint(rest)]);
}

function varint(n: number): Buffer {
  const bytes: number[] = [];
  for (; n >= 128; n = Math.floor(n / 128)) bytes.push(n % 128 | 128);
  return Buffer.from([...bytes, n]);
}

function offset(n: number): Buffer {
  const bytes = [n % 128];
  for (n = Math.floor(n / 128); n > 0; n = Math.floor(n / 128)) bytes.unshift(--n % 128 | 128);
  return Buffer.from(bytes);
}
