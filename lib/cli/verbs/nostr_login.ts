/** `gtr nostr login` */
import { UsageError } from "../../common/errors.ts";
import { changeUserConfig } from "../../git_interface/user_config.ts";
import { handKeyToGtd, openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";

/** Asks for a key and puts it where git's other programs for Nostr look for it. */
export async function run(call: Call): Promise<void> {
  const { io, options } = call;
  const { account, context } = await openAccount("nostr", call);
  const secret = await context.ask(account.question, io.signal);
  if (!secret?.trim()) {
    throw new UsageError("usage", "can't log in: no key was entered", {
      hint: "type it in a terminal, or pipe it in",
    });
  }
  const { name, publicKey, values, notes, password } = await account.logIn(secret, context, io);
  await changeUserConfig(account.settings, values, io.env, io.signal);
  if (options.json) printJson(io, { npub: name, publicKey });
  else io.stdout(`${name}\n`);
  for (const text of notes) note(io, text);
  await handKeyToGtd(call, { network: "nostr", password });
}
