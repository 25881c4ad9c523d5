/**
 * The user's keys on networks with keys of their own, for `gtr nostr login` and its like.
 *
 * @module
 */
import { RequestError } from "../common/errors.ts";
import { deadline } from "../common/wait.ts";
import type { RequestOf } from "../daemon/operations.ts";
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

/** A bunker is asked whose key it keeps, and a person may have to allow that. */
const USE_MS = 90_000;

/**
 * Has the gtd that runs use the key that is in git's configuration now. One that doesn't run reads it
 * at its start; where that takes a password, it is started now.
 *
 * @throws {RequestError} "no-daemon" where it doesn't run, and may not be started
 */
export async function handKeyToGtd(call: Call, request: RequestOf<"useKey">): Promise<void> {
  const { home, io, services } = call;
  using limit = deadline(USE_MS, "gtd to use the key", io.signal, "gtr daemon logs");
  if (request.password !== undefined && (await call.settings()).get("daemon.autostart")) {
    await services.start(home, limit);
  }
  await using gtd = await services.running(home);
  if (gtd) return void await gtd.useKey(request, limit);
  if (request.password === undefined) return;
  throw new RequestError("no-daemon", "can't unlock the key: gtd doesn't run", {
    hint: "gtr daemon start, then gtr nostr unlock",
  });
}
