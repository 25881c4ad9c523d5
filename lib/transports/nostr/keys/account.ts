/**
 * The user's Nostr key in git's configuration: putting it there, and telling which it is.
 *
 * @module
 */
import { generateSecretKey } from "nostr-tools/pure";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { GtrError, RequestError, UsageError } from "../../../common/errors.ts";
import type { Wait } from "../../../common/wait.ts";
import { parseRegistryName } from "../../../identity/registry_name.ts";
import type { LocateWait } from "../../../ports/naming.ts";
import type { NetworkContext } from "../../../ports/network.ts";
import { localSigner } from "../events/signer.ts";
import { Relays } from "../relays/relays.ts";
import { bunkerSigner, parseBunker } from "./bunker.ts";
import { encryptedSetting, findSigner, readNpub } from "./find_signer.ts";
import { isEncrypted, readSecret } from "./secret_text.ts";

/** How long a domain may take to say whose a name is, in milliseconds. */
const ANSWER_MS = 10_000;

/** Who a user is on Nostr. */
export interface AccountIdentity {
  /** "npub1..." */
  readonly name: string;
  /** 64 hex digits. */
  readonly publicKey: string;
}

/** What the key is found with. */
export interface AccountContext extends Pick<NetworkContext, "key" | "gitConfig"> {
  /** Asks the person for a secret, without showing it; undefined if there is nobody to ask. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<string | undefined>;
}

/** What logging in comes to. */
export interface LoggedIn extends AccountIdentity {
  /** What to set in git's configuration. */
  readonly values: Readonly<Record<string, string>>;
  /** What the person should know, one line each. */
  readonly notes: readonly string[];
  /** Undoes the encryption of what is set, if it has one. */
  readonly password?: string;
}

/** What `gtr nostr` does with the key. */
export const account = {
  /** The names in git's configuration that make it up. */
  settings: ["nostr.nsec", "nostr.npub", "nostr.bunker-uri", "nostr.bunker-app-key"],
  /** What the person is asked for. */
  question: "Nostr key (nsec1... or ncryptsec1...) or bunker's address (bunker://...): ",

  /**
   * What to set, of `settings`, for a secret that a person gave. No error repeats it.
   *
   * @throws {UsageError} "bad-key"
   */
  async logIn(
    text: string,
    { ask }: Pick<AccountContext, "ask">,
    { signal }: Wait,
  ): Promise<LoggedIn> {
    const given = text.trim();
    if (/^bunker:/i.test(given)) return await withBunker(given, signal);
    let password: string | undefined;
    const secret = await readSecret(given, "what was entered", async (question) => {
      return password = await askFor(question, ask, signal);
    }, signal);
    const who = identify(publicKeyOf(secret));
    const nsec = /^[0-9a-f]{64}$/i.test(given) ? nsecEncode(Uint8Array.fromHex(given)) : given;
    return {
      ...who,
      values: { "nostr.nsec": nsec, "nostr.npub": who.name },
      notes: password === undefined
        ? [
          "the key is in plain text in git's configuration: whoever reads that file has it; " +
          "an ncryptsec1... has a password, and with a bunker:// address it stays in another program",
        ]
        : [],
      password,
    };
  },

  /**
   * Asks for the password of the key in git's configuration, and tries it. What it tells of whose
   * key it is, and is not set yet, is in `values`.
   *
   * @throws {RequestError} "not-locked" if the key has none; "locked-key" if that is not its
   */
  async unlock(
    { gitConfig, ask }: Pick<AccountContext, "gitConfig" | "ask">,
    { signal }: Wait,
  ): Promise<Required<Pick<LoggedIn, "password" | "values">>> {
    const where = await encryptedSetting(gitConfig, signal);
    const text = where && await gitConfig(where, signal);
    if (!text) {
      throw new RequestError("not-locked", "can't unlock the key: none is encrypted", {
        hint: "gtr nostr whoami says which key is used",
      });
    }
    let password = "";
    const secret = await readSecret(text, where, async (question) => {
      return password = await askFor(question, ask, signal);
    }, signal);
    const own = where === "nostr.nsec" ? identify(publicKeyOf(secret)).name : undefined;
    secret.fill(0);
    const values: Record<string, string> = {};
    const isSet = await gitConfig("nostr.npub", signal) !== undefined;
    if (own !== undefined && !isSet) values["nostr.npub"] = own;
    return { password, values };
  },

  /** Who the user is now, and where the key is: "nostr.nsec", "identity", ... */
  async whoAmI(
    context: AccountContext,
    { signal }: Wait,
  ): Promise<AccountIdentity & { readonly source: string; readonly encrypted: boolean }> {
    const { ask: password, gitConfig: config, key: identity } = context;
    const encrypted = await encryptedSetting(config, signal) !== undefined;
    const source = await keptElsewhere(context, signal);
    const npub = source && await config("nostr.npub", signal);
    if (npub !== undefined) return { ...identify(readNpub(npub)), source: source!, encrypted };
    using relays = new Relays({ dropped: () => {} });
    const sources = { config, password, identity, relays: () => relays };
    const found = await findSigner(sources, signal);
    found.signer.close();
    return { ...identify(found.signer.pubkey), source: found.source, encrypted };
  },

  /**
   * Asks a domain whose key one of its names is now, and believes that from now on.
   *
   * @param text "user@domain"
   * @throws {UsageError} "bad-name"
   * @throws {RequestError} "unknown-name"
   * @throws {NetworkError} "unreachable", "timed-out", "registry-refused"
   */
  async trust(text: string, { registry, signal }: LocateWait): Promise<AccountIdentity> {
    const name = parseRegistryName(text);
    const { nip05Names } = await import("../names/nip05.ts");
    return identify(await nip05Names(registry, ANSWER_MS).confirm(name, true, signal));
  },
};

/** @throws {UsageError} "usage" where there is nobody to ask, or nothing is entered */
async function askFor(
  question: string,
  ask: AccountContext["ask"],
  signal: AbortSignal,
): Promise<string> {
  const answer = await ask(question, signal);
  if (answer) return answer;
  throw new UsageError("usage", "can't unlock the key: no password was entered", {
    hint: "type it in a terminal, or pipe it in",
  });
}

/** The setting that has a key which can't be read without a person or a network. */
async function keptElsewhere(
  { gitConfig }: Pick<AccountContext, "gitConfig">,
  signal: AbortSignal,
): Promise<string | undefined> {
  const nsec = await gitConfig("nostr.nsec", signal);
  if (nsec !== undefined) return isEncrypted(nsec) ? "nostr.nsec" : undefined;
  return await gitConfig("nostr.bunker-uri", signal) === undefined ? undefined : "nostr.bunker-uri";
}

/** Makes a key for this program and asks the bunker whose it keeps. */
async function withBunker(uri: string, signal: Wait["signal"]) {
  const address = parseBunker(uri);
  const appKey = generateSecretKey();
  const nsec = nsecEncode(appKey);
  using relays = new Relays({ dropped: () => {} });
  const signer = await bunkerSigner(address, appKey, relays, signal);
  signer.close();
  const who = identify(signer.pubkey);
  const values = {
    "nostr.bunker-uri": uri,
    "nostr.bunker-app-key": nsec,
    "nostr.npub": who.name,
  };
  return { ...who, values, notes: [] };
}

function publicKeyOf(secret: Uint8Array): string {
  try {
    const signer = localSigner(secret);
    signer.close();
    return signer.pubkey;
  } catch {
    throw new GtrError("bad-key", "can't use what was entered: its number is not a key");
  }
}

function identify(publicKey: string): AccountIdentity {
  return { name: npubEncode(publicKey), publicKey };
}
