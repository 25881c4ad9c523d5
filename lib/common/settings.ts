/**
 * A user's settings: `config.json` in the home, every value overridable by the environment.
 *
 * The setting `a.b` is overridden by the variable `GTR_A_B`: `torrent.maxConnections` by
 * `GTR_TORRENT_MAXCONNECTIONS`.
 *
 * @module
 */
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "./atomic_file.ts";
import { GtrError, UsageError } from "./errors.ts";
import type { Home } from "./home.ts";
import { canonicalIp } from "./ip_address.ts";

interface Setting<T> {
  /** What a person reads in `gtr config`. */
  readonly about: string;
  readonly fallback: T;
  /** The value, or undefined where the text is not one. */
  readonly parse: (text: string) => T | undefined;
  /** What a right value looks like, for the error. */
  readonly form: string;
}

const text = (
  about: string,
  fallback: string,
  form: string,
  pattern = /^.+$/,
): Setting<string> => ({
  about,
  fallback,
  form,
  parse: (s) => (pattern.test(s) ? s : undefined),
});

const choice = <T extends string>(
  about: string,
  fallback: NoInfer<T>,
  choices: readonly T[],
): Setting<T> => ({
  about,
  fallback,
  form: `one of ${choices.join(", ")}`,
  parse: (s) => choices.find((one) => one === s.toLowerCase()),
});

const whole = (about: string, fallback: number, min: number, max: number): Setting<number> => ({
  about,
  fallback,
  form: `a whole number from ${min} to ${max}`,
  parse: (s) => {
    const n = /^\d{1,15}$/.test(s) ? Number(s) : NaN;
    return n >= min && n <= max ? n : undefined;
  },
});

const UNITS = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, with git's suffixes: 0, or `least` or more. */
const size = (about: string, fallback: number, least = 0): Setting<number> => ({
  about,
  fallback,
  form: least === 0
    ? "a number of bytes, such as 500000, 500k, 20m, 20g or 2t"
    : `0, or a number of bytes from ${least / UNITS.m}m on, such as 20m or 2g`,
  parse: (s) => {
    const [, digits, unit] = /^(\d{1,12})([kmgt]?)$/i.exec(s) ?? [];
    if (digits === undefined) return undefined;
    const bytes = Number(digits) * UNITS[unit!.toLowerCase() as keyof typeof UNITS];
    const right = Number.isSafeInteger(bytes) && (bytes === 0 || bytes >= least);
    return right ? bytes : undefined;
  },
});

/** Bytes, or unset: what that means depends on the machine. */
const sizeIfSet = (about: string): Setting<number | undefined> => {
  const { parse, form } = size(about, 0);
  return { about, fallback: undefined, form, parse };
};

const yesNo = (about: string, fallback: boolean): Setting<boolean> => ({
  about,
  fallback,
  form: "true or false",
  parse: (s) =>
    /^(1|true|yes|on)$/i.test(s) ? true : /^(0|false|no|off)$/i.test(s) ? false : undefined,
});

const list = (about: string, form: string, item: RegExp): Setting<string[] | undefined> => ({
  about,
  fallback: undefined,
  form,
  parse: (s) => {
    const items = s === "none" ? [] : s.split(",").map((x) => x.trim()).filter(Boolean);
    return items.every((x) => item.test(x)) ? items : undefined;
  },
});

/** Every setting there is. */
export const SETTINGS = {
  "transports": list(
    "networks to use, the one first whose addresses are printed (unset: those that are on by default)",
    "names: torrent,...",
    /^[a-z]+$/,
  ),
  "network.timeout": whole("seconds until 'nobody answers'", 15, 1, 3600),
  "network.portMapping": yesNo("have the router map ports to this node", true),
  "daemon.autostart": yesNo("start gtd when a command needs it", true),
  "live.wait": whole(
    "seconds to look for a live peer before packs are fetched (0: never)",
    3,
    0,
    60,
  ),
  "live.streams": whole("live streams served at once (0: none)", 8, 0, 1000),
  "live.perPeer": whole("of these, for one address", 4, 1, 1000),
  "live.uploadRate": whole("bytes per second of all live streams (0: no limit)", 0, 0, 1e12),
  "live.seconds": whole("seconds that one live stream may take", 600, 1, 86400),
  "live.idle": whole("seconds without a byte until a live stream is ended", 30, 1, 3600),
  "publish.grace": whole("hours that replaced packs stay available at most", 24, 0, 8760),
  "publish.quorum": whole("peers that must have it before a push is acknowledged", 0, 0, 1000),
  "publish.quorumWait": whole("seconds to wait for publish.quorum", 30, 1, 3600),
  "seed.policy": choice(
    "which of others' repositories are passed on to others",
    "cloned",
    ["cloned", "followed", "none"],
  ),
  "store.quota": size("bytes of others' repositories in all (0: no limit)", 20 * 2 ** 30),
  "store.freeDisk": sizeIfSet(
    "bytes of the disk that others' repositories leave free (unset: 5 % of it, at most 1g; 0: none)",
  ),
  "store.repositoryQuota": size("bytes of one repository of others (0: no limit)", 0),
  "torrent.host": {
    about: "address to listen on (::, all; 0.0.0.0, all of IPv4)",
    fallback: "::",
    form: "an IPv4 or IPv6 address",
    parse: canonicalIp,
  } satisfies Setting<string>,
  "torrent.port": whole("UDP and TCP port (0: any free one)", 0, 0, 65535),
  "torrent.bootstrap": list(
    "first DHT nodes (unset: the public network; none: start a new one)",
    "host:port,... (an IPv6 address in brackets) or none",
    /^(?:[^\s:,[\]]+|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}$/,
  ),
  "torrent.maxConnections": whole("peer connections at once", 80, 1, 10000),
  "torrent.uploadSlots": whole("peers served at once", 8, 1, 1000),
  "torrent.uploadRate": whole("bytes per second sent to peers (0: no limit)", 0, 0, 1e12),
  "torrent.dhtPacks": whole("bytes of packs of a repository also kept in the DHT", 65536, 0, 1e6),
  "holepunch.host": text(
    "address to listen on",
    "0.0.0.0",
    "an IPv4 address",
    /^\d+\.\d+\.\d+\.\d+$/,
  ),
  "holepunch.port": whole("UDP port (0: 49737, or any free one)", 0, 0, 65535),
  "holepunch.bootstrap": list(
    "first nodes of HyperDHT (unset: the public network; none: start a new one)",
    "host:port,... or none",
    /^[^\s:,]+:\d{1,5}$/,
  ),
  "holepunch.maxConnections": whole("connections of peers served at once", 80, 1, 10000),
  "holepunch.uploadRate": whole("bytes per second sent to peers (0: no limit)", 0, 0, 1e12),
  "holepunch.dhtPacks": whole("bytes of packs of a repository also kept in the DHT", 16384, 0, 1e6),
  "holepunch.lan": yesNo("look in the local network while no node of HyperDHT answers", true),
  "holepunch.relays": list(
    "relays used where no hole can be punched (unset: none)",
    "keys of 64 hex digits,...",
    /^[0-9a-f]{64}$/,
  ),
  "holepunch.relay": yesNo("relay other peers' connections; for nodes that can be reached", false),
  "holepunch.relayConnections": whole("connections relayed at once, two a pair", 64, 2, 10000),
  "holepunch.relayPerPeer": whole("of these, for one address", 16, 1, 10000),
  "holepunch.relayRate": whole("bytes per second relayed (0: no limit)", 2e6, 0, 1e12),
  "holepunch.relaySeconds": whole("seconds that a connection is relayed", 1800, 1, 86400),
  "default.listen": text(
    "address to serve https on (unset: none)",
    "",
    "host:port, such as 0.0.0.0:8443 or [::]:8443",
    /^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}$/,
  ),
  "default.address": text(
    "where others reach default.listen, if elsewhere",
    "",
    "host or host:port, an IPv6 address in brackets",
    /^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/,
  ),
  "default.certificate": text("certificate chain (unset: of one's own key)", "", "a PEM file"),
  "default.key": text("private key of default.certificate", "", "a PEM file"),
  "default.tls": yesNo("encrypt; off only on loopback, behind another server", true),
  "default.processes": whole("git processes serving https at once", 8, 1, 1000),
  "default.perPeer": whole("of these, for one address", 4, 1, 1000),
  "default.uploadRate": whole("bytes per second sent over https (0: no limit)", 0, 0, 1e12),
  "default.servers": list(
    "servers asked about every repository",
    "[<publisher's id>@]host[:port],...",
    /^([0-9a-f]{40}@|[0-9a-f]{64}@)?([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i,
  ),
  "nostr.relays": list(
    "relays to publish on and to ask (unset: none)",
    "wss://relay,... (ws:// on a network of one's own)",
    /^wss?:\/\/[^\s,/][^\s,]*$/i,
  ),
  "nostr.blossom": list(
    "Blossom servers that packs are stored on (unset: none)",
    "https://server,...",
    /^https?:\/\/[^\s,/][^\s,]*$/i,
  ),
  "nostr.maxBlob": size(
    "bytes of the largest pack for Blossom servers: packs are split to fit (0: no limit)",
    64 * 2 ** 20,
    2 ** 20,
  ),
  "nostr.grasp": list(
    "GRASP servers that repositories are pushed to, for everyone's git (unset: none)",
    "https://server,...",
    /^https?:\/\/[^\s,/]+\/?$/i,
  ),
  "nostr.eventPacks": size(
    "bytes of packs of a repository put into events where no Blossom server has them (0: none)",
    0,
  ),
  "nostr.quorum": whole("relays that must take a publication", 1, 1, 16),
  "nostr.keepAlive": whole("hours until it is looked whether servers still have it", 24, 1, 500),
} as const;

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS;
/** The type of a setting's value. */
export type SettingValue<K extends SettingName> = (typeof SETTINGS)[K] extends Setting<infer T> ? T
  : never;

const ConfigFile = v.looseObject({
  version: v.literal(1),
  settings: v.record(v.string(), v.string()),
});

/** The environment variable that overrides a setting. */
export function settingVariable(name: SettingName): string {
  return `GTR_${name.replaceAll(".", "_").toUpperCase()}`;
}

/** The name as declared, found without regard to case; undefined where there is none. */
export function findSetting(name: string): SettingName | undefined {
  const wanted = name.toLowerCase();
  return (Object.keys(SETTINGS) as SettingName[]).find((k) => k.toLowerCase() === wanted);
}

/** A user's settings, read once; {@linkcode Settings.load} again to see changes. */
export class Settings {
  readonly #file: ReadonlyMap<SettingName, string>;
  readonly #env: (name: string) => string | undefined;

  private constructor(
    file: ReadonlyMap<SettingName, string>,
    env: (name: string) => string | undefined,
  ) {
    this.#file = file;
    this.#env = env;
  }

  /**
   * Reads `config.json` of `home`; a missing file means defaults.
   *
   * @throws {GtrError} "bad-config" where the file is not what gtr writes
   */
  static async load(
    home: Home,
    env: (name: string) => string | undefined = (name) => Deno.env.get(name),
  ): Promise<Settings> {
    const values = new Map<SettingName, string>();
    for (const [key, value] of Object.entries((await readConfig(home)).settings)) {
      const name = findSetting(key);
      if (name) values.set(name, value);
    }
    return new Settings(values, env);
  }

  /**
   * The value in force: environment, else file, else default.
   *
   * @throws {UsageError} "bad-setting" where the text set is not of the setting's form
   */
  get<K extends SettingName>(name: K): SettingValue<K> {
    const setting = SETTINGS[name] as unknown as Setting<SettingValue<K>>;
    const raw = this.#env(settingVariable(name)) || this.#file.get(name);
    return raw ? parseSetting(name, raw) : setting.fallback;
  }

  /**
   * Reads every setting, so that a wrong one shows at the start and not when it is first needed.
   *
   * @throws {UsageError} "bad-setting"
   */
  check(): void {
    for (const name of Object.keys(SETTINGS) as SettingName[]) this.get(name);
  }

  /** Where the value in force comes from. */
  origin(name: SettingName): "environment" | "file" | "default" {
    if (this.#env(settingVariable(name))) return "environment";
    return this.#file.has(name) ? "file" : "default";
  }
}

/** Sets (or with undefined removes) one setting in `config.json`, atomically. */
export async function writeSetting(
  home: Home,
  name: SettingName,
  value: string | undefined,
): Promise<void> {
  if (value !== undefined) parseSetting(name, value);
  const config = await readConfig(home);
  // The file may have it in other letters: Torrent.Port.
  const others = Object.entries(config.settings).filter(([key]) => findSetting(key) !== name);
  const settings = Object.fromEntries(value === undefined ? others : [...others, [name, value]]);
  await home.ensure();
  await writeFileAtomic(home.config, JSON.stringify({ ...config, settings }, null, 2) + "\n");
}

function parseSetting<K extends SettingName>(name: K, raw: string): SettingValue<K> {
  const setting = SETTINGS[name] as unknown as Setting<SettingValue<K>>;
  const value = setting.parse(raw);
  if (value === undefined) {
    throw new UsageError(
      "bad-setting",
      `can't use '${raw}' for ${name}: it must be ${setting.form}`,
      {
        hint: `gtr config ${name} <value>, or the variable ${settingVariable(name)}`,
      },
    );
  }
  return value;
}

async function readConfig(home: Home): Promise<v.InferOutput<typeof ConfigFile>> {
  const content = await readTextIfPresent(home.config);
  if (content === undefined) return { version: 1, settings: {} };
  try {
    return v.parse(ConfigFile, JSON.parse(content));
  } catch (cause) {
    throw new GtrError("bad-config", `can't read ${home.config}: it is not a gtr settings file`, {
      hint: "mend it or move it away; defaults apply without it",
      cause,
    });
  }
}
