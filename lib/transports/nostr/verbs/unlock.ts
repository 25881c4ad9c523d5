/** `gtr nostr unlock` */
import type { NetworkCall, NetworkVerb } from "../../../common/verb.ts";

export const verb: NetworkVerb = {
  summary: "give gtd the password of your key for Nostr",
  operands: [],
  noOperands: "never write a password into a command: others can see it. It is asked for",
  options: [],
  details: [
    "For a key in git's configuration that is encrypted (ncryptsec1..., NIP-49). Asks for its " +
    "password without showing it, or reads it from a pipe, tries it and hands it to gtd, which is " +
    "started if needed. gtd keeps it in memory only, until it stops or gtr nostr logout. What " +
    "was waiting for the key is published at once.",
    "If systemd starts gtd, it can give it the password: see docs/networks/nostr.md.",
  ],
  examples: [{ command: "gtr nostr unlock", about: "type the password, unseen" }],
  run,
};

/** Asks for the password of the key, tries it, and hands it to gtd. */
async function run(call: NetworkCall): Promise<void> {
  const { account } = await import("../keys/account.ts");
  const { password, values } = await account.unlock(call, call);
  await call.changeGitConfig(Object.keys(values), values);
  await call.useKey(password);
  call.note("gtd can publish with the key until it stops, or gtr nostr logout");
}
