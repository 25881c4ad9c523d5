/** `gtr nostr unlock` */
import { handKeyToGtd, openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import { note } from "../output.ts";

/** Asks for the password of the key, tries it, and hands it to gtd. */
export async function run(call: Call): Promise<void> {
  const { account, context } = await openAccount("nostr", call);
  const { password } = await account.unlock(context, call.io);
  await handKeyToGtd(call, { network: "nostr", password });
  note(call.io, "gtd can publish with the key until it stops, or gtr nostr logout");
}
