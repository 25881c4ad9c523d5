/** `gtr nostr logout` */
import { changeUserConfig } from "../../git_interface/user_config.ts";
import { handKeyToGtd, openAccount } from "../account.ts";
import type { Call } from "../io.ts";

/** Takes the key out of git's configuration, and out of gtd's memory. */
export async function run(call: Call): Promise<void> {
  const { io } = call;
  const { account } = await openAccount("nostr", call);
  await changeUserConfig(account.settings, {}, io.env, io.signal);
  await handKeyToGtd(call, { network: "nostr" });
}
