/** `gtr id` */
import { loadOrCreateKey } from "../../identity/keys.ts";
import type { Call } from "../io.ts";
import { printJson } from "../output.ts";

/** Prints the user's id, and with --json the public key too. */
export async function run({ home, io, options }: Call): Promise<void> {
  const { id, publicKeyHex } = await loadOrCreateKey(home.identity);
  if (options.json) printJson(io, { id, publicKey: publicKeyHex });
  else io.stdout(`${id}\n`);
}
