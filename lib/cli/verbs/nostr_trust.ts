/** `gtr nostr trust` */
import { openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import { printJson } from "../output.ts";

/** Asks a domain whose key one of its names is, and remembers that instead of what it said before. */
export async function run(call: Call): Promise<void> {
  const { home, io, options } = call;
  const { account } = await openAccount("nostr", call);
  const wait = { signal: io.signal, registry: home.registry };
  const { name, publicKey } = await account.trust(call.operands[0]!, wait);
  if (options.json) printJson(io, { npub: name, publicKey });
  else io.stdout(`${name}\n`);
}
