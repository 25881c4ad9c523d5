/** `gtr nostr trust` */
import { JSON_OPTION } from "../../common/verb.ts";
import { openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import { printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "accept the key that a domain gives one of its names",
  operands: [{ form: "<user@domain>", about: "the name there (NIP-05)" }],
  options: [JSON_OPTION],
  details: [
    "The first time that an address such as nostr://<user>@<domain>/<repository> is used, gtr " +
    "remembers the key that the domain gives the name, and refuses another one from then on. This " +
    "asks https://<domain>/.well-known/nostr.json again, prints the public key and believes it. " +
    "Compare the key with its owner over another channel.",
  ],
  examples: [{ command: "gtr nostr trust alice@example.org", about: "npub1..." }],
  run,
};

/** Asks a domain whose key one of its names is, and remembers that instead of what it said before. */
async function run(call: Call): Promise<void> {
  const { home, io, options } = call;
  const { account } = await openAccount("nostr", call);
  const wait = { signal: io.signal, registry: home.registry };
  const { name, publicKey } = await account.trust(call.operands[0]!, wait);
  if (options.json) printJson(io, { npub: name, publicKey });
  else io.stdout(`${name}\n`);
}
