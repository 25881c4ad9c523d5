/** `gtr nostr whoami` */
import { JSON_OPTION } from "../../common/verb.ts";
import { deadline } from "../../common/wait.ts";
import { openAccount } from "../account.ts";
import { STATUS_MS } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "print your public key on Nostr, and where the secret one is",
  operands: [],
  options: [JSON_OPTION],
  details: ["Contacts nobody, unless the key is a bunker's and nostr.npub is not set."],
  examples: [{ command: "gtr nostr whoami", about: "npub1..." }],
  run,
};

/** Prints the public key on Nostr, and says where the secret one is and whether gtd can use it. */
async function run(call: Call): Promise<void> {
  const { io, options } = call;
  const { account, context } = await openAccount("nostr", call);
  const { name, publicKey, source, encrypted } = await account.whoAmI(context, io);
  const locked = encrypted ? await isLocked(call) : undefined;
  if (options.json) return printJson(io, { npub: name, publicKey, source, locked });
  io.stdout(`${name}\n`);
  note(
    io,
    source === "identity"
      ? "the key comes of gtr's own identity; gtr nostr login takes another one"
      : `the key is the one in git's configuration, ${source}` +
        (encrypted ? `, encrypted and ${locked ? "locked" : "unlocked"}` : ""),
  );
  if (locked) note(io, "hint: gtr nostr unlock");
}

/** Who doesn't run has no password. */
async function isLocked({ home, io, services }: Call): Promise<boolean> {
  await using gtd = await services.running(home);
  if (!gtd) return true;
  using limit = deadline(STATUS_MS, "gtd to say whether the key is locked", io.signal);
  return (await gtd.keyFaults({}, limit)).nostr?.code === "locked-key";
}
