/** `gtr nostr trust` */
import { JSON_OPTION, type NetworkCall, type NetworkVerb } from "../../../common/verb.ts";

export const verb: NetworkVerb = {
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
async function run({ operands: [at], home, signal, answer }: NetworkCall): Promise<void> {
  const { account } = await import("../keys/account.ts");
  const { name, publicKey } = await account.trust(at!, { signal, registry: home.registry });
  answer({ npub: name, publicKey }, name);
}
