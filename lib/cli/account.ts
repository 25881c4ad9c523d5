/**
 * The user's keys on networks with keys of their own, for `gtr nostr login` and its like.
 *
 * @module
 */
import { RequestError } from "../common/errors.ts";
import { loadOrCreateKey } from "../identity/keys.ts";
import type { Account, AccountContext } from "../transports/transport.ts";
import type { Call } from "./io.ts";

/**
 * What manages the keys of a network, and what that works with.
 *
 * @throws {RequestError} "network-left-out"
 */
export async function openAccount(
  scheme: string,
  { home, services }: Pick<Call, "home" | "services">,
): Promise<{ account: Account; context: AccountContext }> {
  const { ALL_TRANSPORTS } = await import("../transports/all.ts");
  const { checkLeftOut } = await import("../transports/known.ts");
  checkLeftOut(`${scheme}://`, ALL_TRANSPORTS.map((entry) => entry.scheme));
  const open = ALL_TRANSPORTS.find((entry) => entry.scheme === scheme)?.account;
  if (!open) throw new RequestError("no-account", `can't log in to ${scheme}: it has no keys`);
  const { configValue } = await import("../git_interface/config.ts");
  return {
    account: await open(),
    context: {
      key: await loadOrCreateKey(home.identity),
      gitConfig: configValue,
      ask: services.secrets(),
    },
  };
}
