/** `gtr config` */
import { UsageError } from "../../common/errors.ts";
import {
  findSetting,
  type SettingName,
  SETTINGS,
  type Settings,
  settingVariable,
  writeSetting,
} from "../../common/settings.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import type { Call } from "../io.ts";
import { note, printJson, printTable } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "show or change settings",
  operands: [
    { form: "[name]", about: "a setting (default: list all)", offer: "setting" },
    { form: "[value]", about: "its new value (default: print the one in force)" },
  ],
  options: [
    { form: "--unset <name>", about: "back to the default", offer: "setting" },
    JSON_OPTION,
  ],
  details: [
    "The variable GTR_A_B overrides the setting a.b: GTR_TORRENT_PORT overrides torrent.port. " +
    "gtd reads settings when it starts, and again on SIGHUP. git's own settings: git config.",
  ],
  examples: [
    { command: "gtr config", about: "all settings, their values and where they come from" },
    { command: "gtr config torrent.port 6881", about: "always use this port, for a firewall" },
    {
      command: "gtr config seed.policy followed",
      about: "of others' repositories, pass on only what you follow",
    },
    { command: "gtr config --unset torrent.port", about: "use any free port again" },
  ],
  run,
};

/** Lists settings, prints one, or changes one. */
async function run(call: Call): Promise<void> {
  const { io, operands, options } = call;
  const [name, value] = operands;
  if (options.unset !== undefined) {
    if (name !== undefined) throw wrongUse("--unset takes one name and nothing else");
    return await change(call, known(options.unset), undefined);
  }
  if (name !== undefined && value !== undefined) return await change(call, known(name), value);
  const settings = await call.settings();
  if (name !== undefined) {
    const one = describe(settings, known(name));
    if (options.json) return printJson(io, one);
    return io.stdout(`${inWords(one.value)}\n`);
  }
  const all = (Object.keys(SETTINGS) as SettingName[]).map((key) => describe(settings, key));
  if (options.json) return printJson(io, all);
  printTable(
    io,
    ["NAME", "VALUE", "ORIGIN", "ABOUT"],
    all.map((s) => [s.name, inWords(s.value), s.origin, SETTINGS[s.name].about]),
  );
}

async function change(call: Call, name: SettingName, value: string | undefined): Promise<void> {
  await writeSetting(call.home, name, value);
  if ((await call.settings()).origin(name) === "environment") {
    note(call.io, `warning: the variable ${settingVariable(name)} still overrides ${name}`);
  }
}

interface SettingInForce {
  readonly name: SettingName;
  /** null where nothing is set and that is a meaning of its own. */
  readonly value: string | number | boolean | readonly string[] | null;
  readonly origin: "environment" | "file" | "default";
}

function describe(settings: Settings, name: SettingName): SettingInForce {
  return { name, value: settings.get(name) ?? null, origin: settings.origin(name) };
}

/** A value as it would be set. */
function inWords(value: SettingInForce["value"]): string {
  if (value === null) return "";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(",");
  return String(value);
}

function known(name: string): SettingName {
  const found = findSetting(name);
  if (found) return found;
  throw new UsageError("bad-setting", `can't find a setting ${name}: there is none`, {
    hint: `gtr config lists them; git's own: git config ${name}`,
  });
}

function wrongUse(why: string): UsageError {
  return new UsageError("usage", `can't run gtr config: ${why}`, { hint: "gtr help config" });
}
