/** `gtr nostr unlock` */
import { changeUserConfig } from "../../git_interface/user_config.ts";
import { handKeyToGtd, openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import { note } from "../output.ts";

/** Asks for the password of the key, tries it, and hands it to gtd. */
export async function run(call: Call): Promise<void> {
  const { io } = call;
  const { account, context } = await openAccount("nostr", call);
  const { password, values } = await account.unlock(context, io);
  await changeUserConfig(Object.keys(values), values, io.env, io.signal);
  await handKeyToGtd(call, { network: "nostr", password });
  note(io, "gtd can publish with the key until it stops, or gtr nostr logout");
}
