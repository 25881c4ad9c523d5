/**
 * Passwords of keys that are encrypted on disk, for networks with keys of their own.
 *
 * @module
 */
import { open } from "node:fs/promises";
import { join } from "node:path";

const MAX_BYTES = 4096;

/**
 * In memory only, until the process ends. If nobody gives one, it is the credential
 * `<scheme>-password` of the service manager (systemd.exec(5), "Credentials"), if there is one.
 */
export class Passwords {
  readonly #given = new Map<string, string>();

  /** @param credentials the folder of the service's credentials */
  constructor(readonly credentials = Deno.env.get("CREDENTIALS_DIRECTORY")) {}

  /** Keeps what a person gave, or with undefined forgets it. */
  set(scheme: string, password: string | undefined): void {
    if (password === undefined) this.#given.delete(scheme);
    else this.#given.set(scheme, password);
  }

  /** What a person gave; undefined if nobody did. */
  given(scheme: string): string | undefined {
    return this.#given.get(scheme);
  }

  /** What a person gave, else the service manager; undefined if neither did. */
  async get(scheme: string): Promise<string | undefined> {
    const given = this.#given.get(scheme);
    if (given !== undefined || !this.credentials) return given;
    return await firstLine(join(this.credentials, `${scheme}-password`));
  }
}

/** If it can't be read, there is none: the key stays locked, and that is told. */
async function firstLine(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(new Uint8Array(MAX_BYTES));
    const [line] = new TextDecoder().decode(buffer.subarray(0, bytesRead)).split(/\r?\n/, 1);
    return line || undefined;
  } catch {
    return undefined;
  }
}
