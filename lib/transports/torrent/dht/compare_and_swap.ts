/**
 * Putting a mutable item in the place of the one that was read, and of no other (BEP 44, `cas`).
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="../../../types/bencode.d.ts"
import bencode from "bencode";
import type { Query, StoredValue } from "../../../types/bittorrent_dht.d.ts";
import { mutableFromReply, type MutableItem, mutableTarget } from "./items.ts";
import type { Holder } from "./walk.ts";

/** BEP 44: the sequence number is not the one in `cas`. */
const CAS_MISMATCH = 301;
/** BEP 44: the sequence number is not higher than what is there. */
const SEQUENCE_TOO_LOW = 302;

/**
 * What became of it: the node holds the item, or a newer one; it holds another one than was read; or
 * it doesn't take it.
 */
export type Swapped = "stored" | "conflict" | "failed";

/** The form in which an item is kept and put. */
export function storedForm(item: MutableItem): Omit<StoredValue, "id"> {
  return {
    k: Buffer.from(item.publicKey),
    ...(item.salt ? { salt: Buffer.from(item.salt) } : {}),
    seq: item.seq,
    sig: Buffer.from(item.signature),
    v: bencode.decode(item.value),
  };
}

/**
 * Puts an item on a node, unless that has a newer one, or another one of the same number.
 *
 * @param send resolves with the code of the node's error, or undefined
 */
export async function compareAndSwap(
  item: MutableItem,
  holder: Pick<Holder, "reply">,
  send: (message: Query) => Promise<unknown>,
): Promise<Swapped> {
  const { reply } = holder;
  const there = reply.v === undefined
    ? undefined
    : mutableFromReply(reply, mutableTarget(item), item.salt);
  if (there && there.seq > item.seq) return "stored";
  const isOther = there?.seq === item.seq && !Buffer.from(there.value).equals(item.value);
  if (isOther) return "conflict"; // nodes keep it, and some say of a put with this number that it worked
  // Also if its item is invalid: the comparison is the node's.
  const cas = Number.isSafeInteger(reply.seq) ? { cas: reply.seq } : {};
  const error = await send({ q: "put", a: { ...storedForm(item), ...cas } });
  if (error === undefined) return "stored";
  if (error === CAS_MISMATCH) return "conflict";
  if (error !== SEQUENCE_TOO_LOW) return "failed";
  return there?.seq === item.seq ? "stored" : "conflict"; // the former is what republishing finds
}
