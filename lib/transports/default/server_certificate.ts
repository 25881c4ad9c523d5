/**
 * The certificate that the server shows: the user's own files, or one for whose key the publisher vouches.
 *
 * @module
 */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Settings } from "../../common/settings.ts";
import { StoreError, UsageError } from "../../common/errors.ts";
import { httpsCertificate, type TlsIdentity } from "../../identity/certificate.ts";
import type { PublisherKey } from "../../identity/keys.ts";

/** How often files are looked at, in milliseconds. */
const CHECK_MS = 2000;

/** A certificate, and what makes another of it. */
export class ServerCertificate implements Disposable {
  readonly #files: { readonly cert: string; readonly key: string } | undefined;
  #state = "";
  #current: TlsIdentity;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(
    files: { readonly cert: string; readonly key: string } | undefined,
    current: TlsIdentity,
    state: string,
  ) {
    this.#files = files;
    this.#current = current;
    this.#state = state;
  }

  /**
   * Reads `default.certificate` and `default.key`; without them makes one for which `key` vouches.
   *
   * @throws {UsageError} "bad-setting" where only one of them is set
   * @throws {StoreError} "bad-certificate" where they can't be used
   */
  static async load(
    settings: Settings,
    key: PublisherKey,
  ): Promise<ServerCertificate> {
    const files = { cert: settings.get("default.certificate"), key: settings.get("default.key") };
    if (files.cert === "" && files.key === "") {
      return new ServerCertificate(undefined, httpsCertificate(key), "");
    }
    if (files.cert === "" || files.key === "") {
      throw new UsageError(
        "bad-setting",
        "can't serve https: of default.certificate and default.key only one is set",
      );
    }
    const state = await stateOf(files);
    return new ServerCertificate(files, await readIdentity(files), state);
  }

  get current(): TlsIdentity {
    return this.#current;
  }

  /** "own", or the file's path. */
  get origin(): string {
    return this.#files?.cert ?? "own";
  }

  /** When it expires; undefined for one that the publisher vouches for, whose date nobody reads. */
  get expires(): Date | undefined {
    return this.#files && new Date(new X509Certificate(this.#current.cert).validTo);
  }

  /** SHA-256 of its public key, as git's `http.pinnedPubkey` and curl's `--pinnedpubkey` take it. */
  get pin(): string {
    const { publicKey } = new X509Certificate(this.#current.cert);
    const spki = publicKey.export({ type: "spki", format: "der" });
    return `sha256//${createHash("sha256").update(spki).digest("base64")}`;
  }

  /** Calls `changed` each time the files hold another usable pair. */
  watch(changed: (identity: TlsIdentity) => void, log: (message: string) => void): void {
    const files = this.#files;
    if (!files) return;
    let busy = false;
    const look = async () => {
      const state = await stateOf(files);
      if (state === this.#state) return;
      this.#state = state;
      this.#current = await readIdentity(files);
      changed(this.#current);
      log(`uses the new certificate in ${files.cert}`);
    };
    this.#timer = setInterval(() => {
      if (busy) return;
      busy = true;
      // While one of two files is new they don't match: the other's change is seen too.
      look().catch((error) => log(`goes on with the old certificate: ${error.message}`))
        .finally(() => busy = false);
    }, CHECK_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Something that changes with the files. Links are followed: certbot changes those. */
async function stateOf(files: { readonly cert: string; readonly key: string }): Promise<string> {
  const states = await Promise.all([files.cert, files.key].map(async (path) => {
    const { mtimeMs, size, ino } = await stat(path).catch((cause) => {
      throw badCertificate(path, (cause as Error).message, cause);
    });
    return `${mtimeMs} ${size} ${ino}`;
  }));
  return states.join();
}

async function readIdentity(
  files: { readonly cert: string; readonly key: string },
): Promise<TlsIdentity> {
  try {
    const [cert, key] = await Promise.all([
      readFile(files.cert, "utf8"),
      readFile(files.key, "utf8"),
    ]);
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error(`${files.key} is not its key`);
    }
    return { cert, key };
  } catch (cause) {
    throw badCertificate(files.cert, (cause as Error).message, cause);
  }
}

function badCertificate(path: string, why: string, cause: unknown): StoreError {
  return new StoreError("bad-certificate", `can't use the certificate ${path}: ${why}`, {
    hint: "default.certificate and default.key are PEM files of one certificate and its key",
    cause,
  });
}
