/** `gtr nostr login` */
import { UsageError } from "../../../common/errors.ts";
import { JSON_OPTION, type NetworkCall, type NetworkVerb } from "../../../common/verb.ts";

export const verb: NetworkVerb = {
  summary: "publish on Nostr with a key that you have",
  operands: [],
  noOperands: "never write a key into a command: others can see it. It is asked for",
  options: [JSON_OPTION],
  details: [
    "Asks for the key without showing it, or reads it from a pipe: nsec1..., ncryptsec1... (NIP-49; " +
    "its password is asked for next) or the bunker://... address of a program that signs (NIP-46). " +
    "Prints the public key.",
    "It is written into your git configuration, where ngit looks for it too: nostr.nsec, or " +
    "nostr.bunker-uri and nostr.bunker-app-key, and nostr.npub, in a file that only you can read " +
    "from then on. An nsec1... is in plain text there; an ncryptsec1... stays encrypted, and gtd " +
    "gets its password: see gtr nostr unlock. gtd uses the key at once.",
    "Without it, gtr publishes on Nostr with a key derived from your identity. Readers need none.",
  ],
  examples: [
    { command: "gtr nostr login", about: "type the key, unseen" },
  ],
  run,
};

/** Asks for a key and puts it where git's other programs for Nostr look for it. */
async function run(call: NetworkCall): Promise<void> {
  const { account } = await import("../keys/account.ts");
  const secret = await call.ask(account.question, call.signal);
  if (!secret?.trim()) {
    throw new UsageError("usage", "can't log in: no key was entered", {
      hint: "type it in a terminal, or pipe it in",
    });
  }
  const { name, publicKey, values, notes, password } = await account.logIn(secret, call, call);
  await call.changeGitConfig(account.settings, values);
  call.answer({ npub: name, publicKey }, name);
  for (const text of notes) call.note(text);
  await call.useKey(password);
}
