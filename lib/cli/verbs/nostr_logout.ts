/** `gtr nostr logout` */
import { changeUserConfig } from "../../git_interface/user_config.ts";
import { handKeyToGtd, openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "remove the key for Nostr from git's configuration",
  operands: [],
  options: [],
  details: [
    "From then on, gtr publishes with a key derived from your identity. What was published stays. " +
    "gtd forgets the key, and its password, at once.",
  ],
  examples: [{ command: "gtr nostr logout", about: "remove it" }],
  run,
};

/** Takes the key out of git's configuration, and out of gtd's memory. */
async function run(call: Call): Promise<void> {
  const { io } = call;
  const { account } = await openAccount("nostr", call);
  await changeUserConfig(account.settings, {}, io.env, io.signal);
  await handKeyToGtd(call, { network: "nostr" });
}
