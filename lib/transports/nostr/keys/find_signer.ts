/**
 * Which Nostr key is the user's, looked for where ngit looks.
 *
 * @module
 */
import { decode } from "nostr-tools/nip19";
import { RequestError, UsageError } from "../../../common/errors.ts";
import type { PublisherKey } from "../../../identity/keys.ts";
import { localSigner, type NostrSigner } from "../events/signer.ts";
import type { Relays } from "../relays/relays.ts";
import { derivedSecret } from "./derived.ts";
import { isEncrypted, type PasswordSource, readSecret } from "./secret_text.ts";

/** One value of git's configuration, local before global before system; undefined where unset. */
export type GitConfig = (name: string, signal: AbortSignal) => Promise<string | undefined>;

/** Where a key was found. */
export type KeySource = "nostr.nsec" | "nostr.bunker-uri" | "identity";

/**
 * The setting that holds the secret which is needed to sign, where that is encrypted (NIP-49).
 */
export async function encryptedSetting(
  config: GitConfig,
  signal: AbortSignal,
): Promise<string | undefined> {
  const nsec = await config("nostr.nsec", signal);
  if (nsec !== undefined) return isEncrypted(nsec) ? "nostr.nsec" : undefined;
  if (await config("nostr.bunker-uri", signal) === undefined) return undefined;
  const appKey = await config("nostr.bunker-app-key", signal);
  return appKey !== undefined && isEncrypted(appKey) ? "nostr.bunker-app-key" : undefined;
}

/** What is needed to look for the key. */
export interface SignerSources {
  readonly config: GitConfig;
  readonly password: PasswordSource;
  /** gtr's identity, of which a key comes where git's configuration names none. */
  readonly identity: Pick<PublisherKey, "derive">;
  /** For bunkers. */
  readonly relays: () => Relays;
}

/**
 * The user's key: git's `nostr.nsec` (plain or encrypted), else `nostr.bunker-uri` with
 * `nostr.bunker-app-key`, else one that comes of gtr's identity. Where `nostr.npub` is set, the key has
 * to be that one's.
 *
 * @throws {UsageError} "bad-key" or "bad-bunker"
 * @throws {RequestError} "locked-key" or "other-key"
 * @throws {NetworkError} where the bunker doesn't answer
 */
export async function findSigner(
  sources: SignerSources,
  signal: AbortSignal,
): Promise<{ signer: NostrSigner; source: KeySource }> {
  const npub = await sources.config("nostr.npub", signal);
  const expected = npub === undefined ? undefined : readNpub(npub);
  const found = await configured(sources, signal) ??
    { signer: localSigner(derivedSecret(sources.identity)), source: "identity" as const };
  if (expected === undefined || expected === found.signer.pubkey) return found;
  found.signer.close();
  throw new RequestError("other-key", `can't sign as ${npub!.trim()}: ${missing(found.source)}`, {
    hint: "gtr nostr login, or git config --unset nostr.npub",
  });
}

async function configured(
  { config, password, relays }: SignerSources,
  signal: AbortSignal,
): Promise<{ signer: NostrSigner; source: KeySource } | undefined> {
  const nsec = await config("nostr.nsec", signal);
  if (nsec !== undefined) {
    const secret = await readSecret(nsec, "nostr.nsec", password, signal);
    return { signer: signerOf(secret, "nostr.nsec"), source: "nostr.nsec" };
  }
  const uri = await config("nostr.bunker-uri", signal);
  if (uri === undefined) return undefined;
  const text = await config("nostr.bunker-app-key", signal);
  if (text === undefined) {
    throw new RequestError(
      "bad-bunker",
      "can't use nostr.bunker-uri: nostr.bunker-app-key is not set",
      {
        hint: "gtr nostr login",
      },
    );
  }
  const { bunkerSigner, parseBunker } = await import("./bunker.ts");
  const address = parseBunker(uri);
  const appKey = await readSecret(text, "nostr.bunker-app-key", password, signal);
  signerOf(appKey.slice(), "nostr.bunker-app-key").close();
  const signer = await bunkerSigner(address, appKey, relays(), signal);
  return { signer, source: "nostr.bunker-uri" };
}

/** A signer, unless the 32 bytes are none of the curve's scalars. */
function signerOf(secret: Uint8Array, where: string): NostrSigner {
  try {
    return localSigner(secret);
  } catch {
    throw new UsageError("bad-key", `can't use ${where}: its number is not a key`, {
      hint: "gtr nostr login",
    });
  }
}

/**
 * The public key in `nostr.npub`, 64 hex digits.
 *
 * @throws {UsageError} "bad-key"
 */
export function readNpub(text: string): string {
  try {
    const decoded = decode(text.trim());
    if (decoded.type === "npub") return decoded.data;
  } catch {
    // told below, without the text: it may be a secret key in the wrong place
  }
  throw new UsageError("bad-key", "can't use nostr.npub: it holds no public key (npub1...)", {
    hint: "git config --unset nostr.npub",
  });
}

function missing(source: KeySource): string {
  return source === "identity"
    ? "its secret key is not in git's configuration"
    : `${source} is another key's`;
}
