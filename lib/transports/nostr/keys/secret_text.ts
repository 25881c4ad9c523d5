/**
 * Secret keys as people keep them: `nsec1...`, `ncryptsec1...` (NIP-19, NIP-49) or 64 hex digits.
 *
 * No error here repeats what was read.
 *
 * @module
 */
import { decode } from "nostr-tools/nip19";
import { RequestError, UsageError } from "../../../common/errors.ts";

/** Asks for the password of an encrypted key; undefined where there is nobody to ask. */
export type PasswordSource = (question: string, signal: AbortSignal) => Promise<string | undefined>;

/**
 * The hardest encryption that is undone, as the power of two of scrypt's rounds: each one more doubles
 * the memory, and this takes 1 GiB.
 */
const MAX_LOG_ROUNDS = 20;
/** The alphabet of bech32 (BIP-173). */
const DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** Whether a key is encrypted (NIP-49). */
export function isEncrypted(text: string): boolean {
  return text.trim().startsWith("ncryptsec1");
}

/**
 * The error for an encrypted key whose password nobody gave.
 *
 * @param where "nostr.nsec"
 */
export function lockedKey(where: string): RequestError {
  return new RequestError(
    "locked-key",
    `can't use the key in ${where}: it is locked`,
    { hint: "gtr nostr unlock" },
  );
}

/**
 * The 32-byte key in `text`.
 *
 * @param where what to call it in an error: "nostr.nsec"
 * @throws {UsageError} "bad-key"
 * @throws {RequestError} "locked-key" where it is encrypted and there is no right password
 */
export async function readSecret(
  text: string,
  where: string,
  password: PasswordSource,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const trimmed = text.trim();
  if (isEncrypted(trimmed)) return await unlock(trimmed, where, password, signal);
  const secret = /^[0-9a-f]{64}$/i.test(trimmed) ? Uint8Array.fromHex(trimmed) : readNsec(trimmed);
  if (secret === undefined) throw badKey(where);
  return secret;
}

function readNsec(text: string): Uint8Array | undefined {
  try {
    const decoded = decode(text);
    return decoded.type === "nsec" && decoded.data.length === 32 ? decoded.data : undefined;
  } catch {
    return undefined; // and not the cause: it may quote the text
  }
}

async function unlock(
  text: string,
  where: string,
  password: PasswordSource,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (logRounds(text) > MAX_LOG_ROUNDS) throw badKey(where);
  const given = await password(`Password of the Nostr key in ${where}: `, signal);
  signal.throwIfAborted();
  if (given === undefined) throw lockedKey(where);
  const { decrypt } = await import("nostr-tools/nip49");
  try {
    return decrypt(text, given);
  } catch {
    throw new RequestError(
      "locked-key",
      `can't use ${where}: that is not its password, or it is damaged`,
      { hint: "gtr nostr unlock" },
    );
  }
}

/** The second byte of an encrypted key, before it costs anything to believe it. */
function logRounds(text: string): number {
  const bits = [...text.slice("ncryptsec1".length, "ncryptsec1".length + 4)]
    .reduce((number, digit) => number * 32 + DIGITS.indexOf(digit), 0);
  return (bits >> 4) & 0xff;
}

function badKey(where: string): UsageError {
  return new UsageError("bad-key", `can't use ${where}: it holds no secret key of Nostr`, {
    hint: "put an nsec1... or ncryptsec1... there: git config --global nostr.nsec <key>",
  });
}
