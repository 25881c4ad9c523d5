/**
 * Signed items of the DHT on the local disk, so that what a publisher signed can be put again, byte
 * for byte, by those who follow.
 *
 * @module
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../common/atomic_file.ts";
import { decodeItem, encodeItem, type MutableItem, mutableTarget } from "./dht/items.ts";

/** More than BEP 44 lets an item have. */
const MAX_FILE_BYTES = 4096;

/** One file per item, named by its target. */
export class ItemCache {
  readonly #folder: string;
  readonly #items = new Map<string, MutableItem>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads the folder; damaged files, and what a killed process left, are removed. */
  static async open(folder: string): Promise<ItemCache> {
    await mkdir(folder, { recursive: true });
    const cache = new ItemCache(folder);
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const file = await readFile(path);
      const item = file.length <= MAX_FILE_BYTES ? decodeItem(file) : undefined;
      const target = item && mutableTarget(item).toString("hex");
      if (item && target === name) cache.#items.set(target, item);
      else await rm(path, { force: true });
    }
    return cache;
  }

  get(target: Uint8Array): MutableItem | undefined {
    return this.#items.get(target.toHex());
  }

  items(): Iterable<MutableItem> {
    return this.#items.values();
  }

  /** Keeps an item; one with a higher sequence number stays. */
  async put(item: MutableItem): Promise<void> {
    const target = mutableTarget(item).toString("hex");
    const old = this.#items.get(target);
    if (old && old.seq > item.seq) return;
    this.#items.set(target, item);
    if (old && old.seq === item.seq) return;
    await writeFileAtomic(join(this.#folder, target), encodeItem(item));
  }

  async remove(target: Uint8Array): Promise<void> {
    this.#items.delete(target.toHex());
    await rm(join(this.#folder, target.toHex()), { force: true });
  }
}
