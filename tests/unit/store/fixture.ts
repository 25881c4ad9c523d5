/** A publisher with a working repository, and the packs and manifests it publishes. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Home } from "../../../lib/common/home.ts";
import { packObjects } from "../../../lib/git_interface/pack_objects.ts";
import { listRefs } from "../../../lib/git_interface/refs.ts";
import { keyFromSeed, type PublisherKey } from "../../../lib/identity/keys.ts";
import { signManifest } from "../../../lib/manifest/manifest.ts";
import { PackHasher } from "../../../lib/manifest/pack_torrent.ts";
import type {
  Manifest,
  ObjectFormat,
  PackRef,
  SignedManifest,
} from "../../../lib/manifest/types.ts";
import type { AddedPack } from "../../../lib/store/commit_manifest.ts";
import { Store } from "../../../lib/store/store.ts";
import type { StoredRepository } from "../../../lib/store/stored_repository.ts";
import type { PackFile } from "../../../lib/manifest/pack_file.ts";
import { git, gitDirOf, initRepository, objectsOf } from "../git_interface/fixture.ts";

export const forever = { signal: new AbortController().signal };
export const lenient = { ...forever, strict: false };

/** Something published: the manifest, and files of those of its packs that are new. */
export interface Publication {
  readonly signed: SignedManifest;
  readonly added: AddedPack[];
}

/** Publishes the state of one working repository again and again. */
export class Publisher {
  readonly key: PublisherKey;
  readonly work: string;
  readonly #root: string;
  readonly #format: ObjectFormat;
  #sequence = 0;
  #made = 0;

  private constructor(root: string, format: ObjectFormat, seed: number) {
    this.#root = root;
    this.#format = format;
    this.key = keyFromSeed(new Uint8Array(32).fill(seed));
    this.work = join(root, `work-${seed}`);
  }

  static async create(root: string, format: ObjectFormat = "sha1", seed = 1): Promise<Publisher> {
    const publisher = new Publisher(root, format, seed);
    await initRepository(publisher.work, format);
    return publisher;
  }

  /** Makes a pack of all branches and tags, without what the `kept` packs hold. */
  async pack(kept: readonly PackRef[] = []): Promise<AddedPack> {
    return (await this.split(kept))[0]!;
  }

  /** The same in several packs, if one had more than `maxPack` bytes. */
  async split(kept: readonly PackRef[] = [], maxPack?: number): Promise<AddedPack[]> {
    const directory = join(this.#root, `packs-${this.key.id}-${this.#made++}`);
    await Deno.mkdir(directory);
    const refs = await this.refs();
    const made = await packObjects({
      gitDir: gitDirOf(this.work),
      alternates: [objectsOf(this.work)],
      include: Object.values(refs),
      exclude: kept.flatMap(({ tips }) => tips),
      directory,
      maxPack,
    });
    if (made.length === 0) throw new Error("there is nothing new to pack");
    return await Promise.all(made.map(async (one, i) => {
      const tips = i === made.length - 1 ? Object.values(refs) : [];
      return { ...one, pack: await packRef(one.packPath, one.objects, tips) };
    }));
  }

  async refs(): Promise<Record<string, string>> {
    return Object.fromEntries(await listRefs(gitDirOf(this.work), ["refs/heads", "refs/tags"]));
  }

  /** Signs the next manifest; `changes` may make it wrong on purpose. */
  async sign(packs: readonly PackRef[], changes: Partial<Manifest> = {}): Promise<SignedManifest> {
    this.#sequence = changes.sequence ?? this.#sequence + 1;
    return signManifest({
      version: 1,
      publisher: this.key.publicKeyHex,
      name: "hello",
      sequence: this.#sequence,
      created: 1_700_000_000,
      objectFormat: this.#format,
      head: "refs/heads/main",
      refs: await this.refs(),
      packs,
      endpoints: {},
      ...changes,
    }, this.key);
  }

  /** One new pack after those `kept`. */
  async publication(
    kept: readonly PackRef[] = [],
    changes: Partial<Manifest> = {},
  ): Promise<Publication> {
    const added = await this.pack(kept);
    return { signed: await this.sign([...kept, added.pack], changes), added: [added] };
  }
}

/** What a manifest says of a pack file. */
export async function packRef(path: string, objects: number, tips: string[]): Promise<PackRef> {
  const bytes = await Deno.readFile(path);
  const hasher = new PackHasher(bytes.length);
  hasher.update(bytes);
  const { sha256, infohash } = hasher.digest();
  return { sha256, size: bytes.length, infohash, objects, tips };
}

/** A reader's repository of that publisher, in a home of its own. */
export function readerOf(publisher: Publisher, home: string): StoredRepository {
  return new Store(new Home(home)).repository(publisher.key.publicKeyHex, "hello");
}

/** What a transport would do: the packs lie, whole, where they are fetched to. */
export async function fetchInto(
  repository: StoredRepository,
  { signed, added }: Publication,
): Promise<PackFile[]> {
  await repository.create(signed.manifest.objectFormat);
  return await Promise.all(added.map(async ({ pack, packPath }) => {
    const path = repository.incomingPath(pack.sha256);
    await Deno.writeFile(path, await Deno.readFile(packPath)); // a copy would be read-only, too
    return { pack, path };
  }));
}

/** Fetches and accepts. */
export async function follow(repository: StoredRepository, publication: Publication) {
  const fetched = await fetchInto(repository, publication);
  await repository.accept(publication.signed, fetched, lenient);
}

/** All files of a repository with their sizes, but without the lock: to see that nothing changed. */
export async function snapshot(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) Object.assign(files, await snapshot(path));
    else files[path] = (await Deno.readFile(path)).toBase64();
  }
  return files;
}

/** What git itself finds wrong with the repository's objects and refs: nothing, as text. */
export async function fsck(repository: StoredRepository): Promise<string> {
  await git(repository.path, ["rev-list", "--objects", "--all", "--quiet"]);
  return await git(repository.path, ["fsck", "--full", "--no-dangling"]);
}

/** Runs a module of this folder in a process of its own; `line` gives the next line it prints. */
export function startProcess(module: string, args: string[]) {
  const path = fileURLToPath(new URL(module, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", path, ...args],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).values();
  return {
    line: async () => (await lines.next()).value as string | undefined,
    kill: async () => {
      child.kill("SIGKILL");
      await lines.return?.();
      await child.status;
    },
  };
}
