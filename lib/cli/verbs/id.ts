/** `gtr id` */
import { JSON_OPTION } from "../../common/verb.ts";
import { loadOrCreateKey } from "../../identity/keys.ts";
import type { Call } from "../io.ts";
import { printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "show who you are to others",
  operands: [],
  options: [JSON_OPTION],
  details: [
    "Prints your id: the SHA-1 of your public key, and the first part of all your addresses. " +
    "The key pair is made on first use.",
  ],
  examples: [{ command: "gtr id --json", about: "id and public key" }],
  run,
};

/** Prints the user's id, and with --json the public key too. */
async function run({ home, io, options }: Call): Promise<void> {
  const { id, publicKeyHex } = await loadOrCreateKey(home.identity);
  if (options.json) printJson(io, { id, publicKey: publicKeyHex });
  else io.stdout(`${id}\n`);
}
