/** `gtr nostr logout` */
import type { NetworkCall, NetworkVerb } from "../../../common/verb.ts";

export const verb: NetworkVerb = {
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
async function run(call: NetworkCall): Promise<void> {
  const { account } = await import("../keys/account.ts");
  await call.changeGitConfig(account.settings, {});
  await call.useKey();
}
