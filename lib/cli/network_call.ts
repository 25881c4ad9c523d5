/**
 * What verbs of networks, `gtr <network> <verb>`, reach of the program around them.
 *
 * @module
 */
import { RequestError } from "../common/errors.ts";
import type { NetworkCall } from "../common/verb.ts";
import { deadline } from "../common/wait.ts";
import { configValue } from "../git_interface/config.ts";
import { changeUserConfig } from "../git_interface/user_config.ts";
import { STATUS_MS } from "./gtd.ts";
import type { Call } from "./io.ts";
import { note, printJson } from "./output.ts";

/** A bunker is asked whose key it keeps, and a person may have to allow that. */
const USE_MS = 90_000;

/** The call as the verb of a network sees it. */
export function networkCall(scheme: string, call: Call): NetworkCall {
  const { operands, options, io, home, services } = call;
  return {
    operands,
    json: options.json ?? false,
    home,
    signal: io.signal,
    answer: (program, person) => options.json ? printJson(io, program) : io.stdout(`${person}\n`),
    note: (text) => note(io, text),
    ask: services.secrets(),
    gitConfig: configValue,
    changeGitConfig: (names, values) => changeUserConfig(names, values, io.env, io.signal),
    useKey: (password) => useKey(call, scheme, password),
    async isKeyLocked() {
      await using gtd = await services.running(home);
      if (!gtd) return true;
      using limit = deadline(STATUS_MS, "gtd to say whether the key is locked", io.signal);
      return (await gtd.keyFaults({}, limit))[scheme]?.code === "locked-key";
    },
  };
}

async function useKey(call: Call, network: string, password?: string): Promise<void> {
  const { home, io, services } = call;
  using limit = deadline(USE_MS, "gtd to use the key", io.signal, "gtr daemon logs");
  if (password !== undefined && (await call.settings()).get("daemon.autostart")) {
    await services.start(home, limit);
  }
  await using gtd = await services.running(home);
  if (gtd) return void await gtd.useKey({ network, password }, limit);
  if (password === undefined) return;
  throw new RequestError("no-daemon", "can't unlock the key: gtd doesn't run", {
    hint: `gtr daemon start, then gtr ${network} unlock`,
  });
}
