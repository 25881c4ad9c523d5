/**
 * Words that a target's input may have, `dictionaries/<target>.dict`: in the form of AFL's and
 * libFuzzer's dictionaries, a token in quotes on each line, with `\xNN` for a byte.
 *
 * @module
 */
import { join } from "node:path";

const FOLDER = join(import.meta.dirname!, "dictionaries");

/** A target's tokens, in the order of the file. */
export async function dictionaryOf(target: string): Promise<Uint8Array[]> {
  const text = await Deno.readTextFile(join(FOLDER, `${target}.dict`));
  return [...text.matchAll(/^"(.*)"$/gm)].map(([, token]) => bytesOf(token!));
}

function bytesOf(token: string): Uint8Array {
  const parts = token.matchAll(/\\x([0-9a-f]{2})|\\?(.)/g);
  return Uint8Array.from(parts, ([, hex, plain]) => hex ? parseInt(hex, 16) : plain!.charCodeAt(0));
}
