/** `gtr nostr whoami` */
import { openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";

/** Prints the public key on Nostr, and says where the secret one is. */
export async function run(call: Call): Promise<void> {
  const { io, options } = call;
  const { account, context } = await openAccount("nostr", call);
  const { name, publicKey, source } = await account.whoAmI(context, io);
  if (options.json) return printJson(io, { npub: name, publicKey, source });
  io.stdout(`${name}\n`);
  note(
    io,
    source === "identity"
      ? "the key comes of gtr's own identity; gtr nostr login takes another one"
      : `the key is the one in git's configuration, ${source}`,
  );
}
