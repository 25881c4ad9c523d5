/**
 * Where everything of one stored repository is.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { UsageError } from "../common/errors.ts";
import { checkRepositoryName } from "../identity/address.ts";

/** How the folder of one check starts; a killed process leaves it behind. */
export const QUARANTINE = "quarantine-";
/** The folder of a repository that is not there yet, or not any more; the group is its name. */
export const TEMPORARY_REPOSITORY = /^\.(.+)\.[0-9a-f]{12}\.tmp$/;

/** The files and folders of one stored repository; made only of names that can't leave the store. */
export class RepoPaths {
  readonly publisherFolder: string;
  /** The bare repository. */
  readonly root: string;

  /** @throws {UsageError} "bad-publisher", "bad-name" */
  constructor(
    store: string,
    readonly publisher: string,
    readonly name: string,
  ) {
    if (!isPublisher(publisher)) {
      throw new UsageError("bad-publisher", `can't use '${publisher}': not a public key in hex`);
    }
    checkRepositoryName(name);
    this.publisherFolder = join(store, publisher);
    this.root = join(this.publisherFolder, `${name}.git`);
  }

  /** Beside the repository, so that it can be held while there is none. */
  get lock(): string {
    return join(this.publisherFolder, `${this.name}.lock`);
  }
  get objects(): string {
    return join(this.root, "objects");
  }
  get packs(): string {
    return join(this.objects, "pack");
  }
  get own(): string {
    return join(this.root, "gtr");
  }
  get manifest(): string {
    return join(this.own, "manifest.json");
  }
  get state(): string {
    return join(this.own, "state.json");
  }
  get incoming(): string {
    return join(this.own, "incoming");
  }
  get outgoing(): string {
    return join(this.own, "outgoing");
  }
  /** An object directory with what this machine had published before another's took its place. */
  get displaced(): string {
    return join(this.own, "displaced");
  }
  get retired(): string {
    return join(this.own, "retired");
  }

  pack(sha256: string): string {
    return join(this.packs, `pack-${checkSha256(sha256)}.pack`);
  }
  idx(sha256: string): string {
    return join(this.packs, `pack-${checkSha256(sha256)}.idx`);
  }
  incomingPack(sha256: string): string {
    return join(this.incoming, `${checkSha256(sha256)}.pack`);
  }
  retiredPack(sha256: string): string {
    return join(this.retired, `${checkSha256(sha256)}.pack`);
  }

  /** A new name for the folder of one check. */
  quarantine(): string {
    return join(this.own, QUARANTINE + randomBytes(6).toString("hex"));
  }
  /** A new name that {@linkcode TEMPORARY_REPOSITORY} matches. */
  temporaryRepository(): string {
    return join(this.publisherFolder, `.${this.name}.${randomBytes(6).toString("hex")}.tmp`);
  }
}

/** Whether `text` is a public key as the store's folders are named: 64 lower-case hex digits. */
export function isPublisher(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function checkSha256(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new UsageError("bad-pack-name", `can't use '${sha256}': not a SHA-256 in hex`);
  }
  return sha256;
}
