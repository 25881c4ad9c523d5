/**
 * The publisher's ed25519 key pair: made on first use, kept in one PEM file.
 *
 * Uses node:crypto, which signs and verifies about 15 times faster than portable code; `portable.ts`
 * makes the same bytes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { chmod, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { readTextIfPresent, storeError, writeFileOnce } from "../common/atomic_file.ts";
import { StoreError } from "../common/errors.ts";
import { checkOutsideRepositories } from "../common/home.ts";
import { nameMachine } from "./machine.ts";
import { type DerivedUse, isFor, type SignedUse } from "./uses.ts";

/** An ed25519 key pair (RFC 8032). */
export interface PublisherKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The public key in 64 lower-case hex digits. */
  readonly publicKeyHex: string;
  /** The publisher's id: SHA-1 of the public key in 40 hex digits, its BEP-44 target. */
  readonly id: string;
  /**
   * The 64-byte signature of `message`.
   *
   * @throws {RangeError} if it doesn't begin as messages for that use do (`uses.ts`)
   */
  sign(use: SignedUse, message: Uint8Array): Uint8Array;
  /**
   * `length` secret bytes that only this key can make (HKDF-SHA256, RFC 5869): another network's key
   * comes of them, and neither says anything about the other.
   *
   * @param use what they are for: another one, other bytes
   */
  derive(use: DerivedUse, length: number): Uint8Array;
}

/** DER around a raw seed: PrivateKeyInfo of RFC 8410, section 7. */
const PKCS8_PREFIX = Uint8Array.fromHex("302e020100300506032b657004220420");
/** DER around a raw public key: SubjectPublicKeyInfo of RFC 8410, section 4. */
const SPKI_PREFIX = Uint8Array.fromHex("302a300506032b6570032100");
/** A PKCS#8 PEM of an ed25519 key is 119 bytes; anything far longer is another file. */
const MAX_PEM_BYTES = 4096;

/** The publisher's id: SHA-1 of the 32-byte public key, as 40 hex digits. */
export function publisherId(publicKey: Uint8Array): string {
  return createHash("sha1").update(publicKey).digest("hex");
}

/**
 * The key pair of a 32-byte seed (RFC 8032, section 5.1.5).
 *
 * @throws {RangeError} where the seed is not 32 bytes
 */
export function keyFromSeed(seed: Uint8Array): PublisherKey {
  return publisherKey(privateKeyOf(seed));
}

/**
 * The same as node:crypto and TLS take it.
 *
 * @throws {RangeError} if the seed is not 32 bytes
 */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new RangeError(`an ed25519 seed is 32 bytes, not ${seed.length}`);
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** Whether `signature` is that of `message` by `publicKey`. Wrong lengths and points are false. */
export function verifySignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const der = Buffer.concat([SPKI_PREFIX, publicKey]);
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    return verify(null, message, key, signature);
  } catch {
    return false; // bytes that are no point of the curve
  }
}

/**
 * Reads the key in the PEM file `path`, or undefined where there is no such file. A file that others
 * could read is closed to them again (mode 0600).
 *
 * @throws {StoreError} "bad-identity" where the file holds no ed25519 private key
 */
export async function readKey(path: string): Promise<PublisherKey | undefined> {
  const status = await stat(path).catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw storeError(`can't read ${path}`, error);
  });
  if (status === undefined) return undefined;
  if (!status.isFile() || status.size > MAX_PEM_BYTES) throw badIdentity(path);
  if (Deno.build.os !== "windows" && (status.mode & 0o077) !== 0) {
    await chmod(path, 0o600).catch((error) => {
      throw storeError(`can't close ${path} to other users`, error);
    });
  }
  const pem = await readTextIfPresent(path);
  return pem === undefined ? undefined : keyFromPem(pem, path);
}

/**
 * The same for who only looks: a file that others could read stays as it is.
 *
 * @throws {StoreError} "bad-identity"
 */
export async function inspectKey(path: string): Promise<PublisherKey | undefined> {
  const pem = await readTextIfPresent(path);
  return pem === undefined ? undefined : keyFromPem(pem, path);
}

/**
 * Reads the key in `path`, after making one there on first use: PKCS#8 PEM, mode 0600. Of several
 * processes that find none, one makes it and all get the same.
 *
 * @throws {StoreError} "bad-identity" where the file exists and holds no ed25519 private key;
 * "home-in-repository" rather than make a key in somebody's working tree
 */
export async function loadOrCreateKey(path: string): Promise<PublisherKey> {
  const existing = await readKey(path);
  if (existing) return existing;
  await checkOutsideRepositories(dirname(path));
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  await makeFolder(dirname(path));
  await writeFileOnce(path, pem, 0o600);
  const created = await inspectKey(path); // another process's, if it was faster
  if (!created) throw new StoreError("disk", `can't read ${path}: it was removed`);
  await nameMachine(dirname(path), created.publicKeyHex);
  return created;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error) => {
    throw storeError(`can't make ${path}`, error);
  });
}

function keyFromPem(pem: string, path: string): PublisherKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (cause) {
    throw badIdentity(path, cause);
  }
  if (privateKey.asymmetricKeyType !== "ed25519") throw badIdentity(path);
  return publisherKey(privateKey);
}

function publisherKey(privateKey: KeyObject): PublisherKey {
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const publicKey = new Uint8Array(spki.subarray(SPKI_PREFIX.length));
  return {
    publicKey,
    publicKeyHex: publicKey.toHex(),
    id: publisherId(publicKey),
    sign: (use, message) => {
      if (!isFor(use, message)) throw new RangeError(`can't sign: the message is not for ${use}`);
      return new Uint8Array(sign(null, message, privateKey));
    },
    derive: (use, length) => {
      const seed = Uint8Array.fromBase64(privateKey.export({ format: "jwk" }).d!, {
        alphabet: "base64url",
      });
      return new Uint8Array(hkdfSync("sha256", seed, "gtr-derive-v1", use, length));
    },
  };
}

function badIdentity(path: string, cause?: unknown): StoreError {
  return new StoreError(
    "bad-identity",
    `can't use ${path}: it holds no ed25519 private key (PKCS#8 PEM)`,
    {
      hint: "put back your copy of it, or move it away to start with a new identity and address",
      cause,
    },
  );
}
