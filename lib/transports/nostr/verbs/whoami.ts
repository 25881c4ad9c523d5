/** `gtr nostr whoami` */
import { JSON_OPTION, type NetworkCall, type NetworkVerb } from "../../../common/verb.ts";
import { loadOrCreateKey } from "../../../identity/keys.ts";

export const verb: NetworkVerb = {
  summary: "print your public key on Nostr, and where the secret one is",
  operands: [],
  options: [JSON_OPTION],
  details: ["Contacts nobody, unless the key is a bunker's and nostr.npub is not set."],
  examples: [{ command: "gtr nostr whoami", about: "npub1..." }],
  run,
};

/** Prints the public key on Nostr, and says where the secret one is and whether gtd can use it. */
async function run(call: NetworkCall): Promise<void> {
  const { account } = await import("../keys/account.ts");
  const { ask, gitConfig, home } = call;
  const context = { ask, gitConfig, key: await loadOrCreateKey(home.identity) };
  const { name, publicKey, source, encrypted } = await account.whoAmI(context, call);
  const locked = encrypted ? await call.isKeyLocked() : undefined;
  call.answer({ npub: name, publicKey, source, locked }, name);
  if (call.json) return;
  call.note(
    source === "identity"
      ? "the key comes of gtr's own identity; gtr nostr login takes another one"
      : `the key is the one in git's configuration, ${source}` +
        (encrypted ? `, encrypted and ${locked ? "locked" : "unlocked"}` : ""),
  );
  if (locked) call.note("hint: gtr nostr unlock");
}
