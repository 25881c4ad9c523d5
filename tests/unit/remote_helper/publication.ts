/**
 * Published repositories as gtd would show them, kept in a folder: real git, real packs, no network.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { NetworkError } from "../../../lib/common/errors.ts";
import type { Wait } from "../../../lib/common/wait.ts";
import type {
  DialledState,
  PushResult,
  RemoteState,
  SyncedState,
} from "../../../lib/daemon/api.ts";
import type { PushRequest } from "../../../lib/daemon/operations.ts";
import { packObjects } from "../../../lib/git_interface/pack_objects.ts";
import { peelTags } from "../../../lib/git_interface/peel_tags.ts";
import { isAncestor, updateRefs } from "../../../lib/git_interface/refs.ts";
import { runGit } from "../../../lib/git_interface/run.ts";
import type { HelperClient } from "../../../lib/remote_helper/client.ts";

/** The publisher in all of these addresses. */
export const ID = "3f1c5a7be2d04c6f8a9b0c1d2e3f405162738495";

/** What a publication's file holds beside its repository. */
type Stored = Pick<
  SyncedState,
  "sequence" | "refs" | "peeled" | "head" | "objectFormat" | "packs" | "own" | "warning" | "servers"
>;

/** One published repository: a bare repository of the store and its state. */
export class Publication {
  readonly gitDir: string;
  readonly address: string;

  constructor(readonly root: string, readonly name: string) {
    this.gitDir = join(root, `${name}.git`);
    this.address = `torrent://${ID}/${name}`;
  }

  /** A new one, empty and one's own. */
  static async create(
    root: string,
    name: string,
    objectFormat: "sha1" | "sha256" = "sha1",
  ): Promise<Publication> {
    const made = new Publication(root, name);
    await runGit(["init", "-q", "--bare", `--object-format=${objectFormat}`, made.gitDir], {
      cwd: root,
    });
    await made.#write({
      sequence: 0,
      refs: {},
      head: "refs/heads/main",
      objectFormat,
      packs: [],
      own: true,
    });
    return made;
  }

  async state(): Promise<Stored> {
    return JSON.parse(await Deno.readTextFile(join(this.gitDir, "state.json")));
  }

  async change(change: Partial<Stored>): Promise<void> {
    await this.#write({ ...await this.state(), ...change });
  }

  /** Publishes `refs` from the given object directories, as one more pack. */
  async publish(
    refs: Record<string, string>,
    alternates: readonly string[],
    head?: string,
  ): Promise<void> {
    const state = await this.state();
    const directory = join(this.gitDir, "objects", "pack");
    const tips = [...new Set(Object.values(refs))];
    const [made] = await packObjects({
      gitDir: this.gitDir,
      alternates,
      include: tips,
      exclude: [...new Set(Object.values(state.refs))],
      directory,
    });
    const packs = [...state.packs];
    if (made) {
      const sha256 = createHash("sha256").update(await Deno.readFile(made.packPath)).digest("hex");
      const path = join(directory, `pack-${sha256}.pack`);
      await Deno.rename(made.packPath, path);
      await Deno.rename(made.idxPath, path.replace(/\.pack$/, ".idx"));
      packs.push({ path, sha256, size: made.size, objects: made.objects, tips });
    }
    await updateRefs(this.gitDir, refs, head ?? state.head);
    const tags = Object.entries(refs).filter(([ref]) => ref.startsWith("refs/tags/"));
    const targets = await peelTags(this.gitDir, tags.map(([, oid]) => oid));
    const peeled = Object.fromEntries(
      tags.flatMap(([ref, oid]) => targets.has(oid) ? [[ref, targets.get(oid)!]] : []),
    );
    await this.change({
      sequence: state.sequence + 1,
      refs,
      peeled,
      packs,
      head: head ?? state.head,
    });
  }

  async #write(state: Stored): Promise<void> {
    const file = join(this.gitDir, "state.json");
    await Deno.writeTextFile(`${file}.new`, JSON.stringify(state));
    await Deno.rename(`${file}.new`, file);
  }
}

/** Serves the publications in a folder as gtd does. */
export class FolderClient implements HelperClient {
  /** Calls made, for tests that count them. */
  readonly calls: string[] = [];
  disposed = false;
  /** Where live peers are, one for each call. */
  readonly live: string[] = [];

  constructor(readonly root: string) {}

  async resolve({ url }: { url: string }, _wait: Wait): Promise<RemoteState> {
    this.calls.push("resolve");
    return await this.#read(url);
  }

  async sync({ url }: { url: string }, wait: Wait): Promise<SyncedState> {
    this.calls.push("sync");
    const state = await this.#read(url);
    const total = state.packs.reduce((sum, pack) => sum + pack.size, 0);
    let done = 0;
    state.packs.forEach(({ size }, i) =>
      wait.progress?.(done += size, total, `${i + 1}/${state.packs.length}`)
    );
    return state;
  }

  /** As gtd does, with a live peer where a test has one. */
  async dial({ url }: { url: string }, _wait: Wait): Promise<DialledState> {
    this.calls.push("dial");
    const source = this.live.shift();
    if (source === undefined) throw new NetworkError("no-live-peer", "nobody is live");
    return { ...await this.#read(url), source };
  }

  async push(order: PushRequest, _wait: Wait): Promise<PushResult[]> {
    this.calls.push("push");
    const publication = this.#find(order.url);
    const state = await publication.state();
    const refs = { ...state.refs };
    const results: PushResult[] = [];
    for (const { ref, oid, force, expected } of order.updates) {
      const old = refs[ref];
      const why = expected !== undefined && expected !== (old ?? null)
        ? "stale info"
        : old && oid && !force &&
            !await isAncestor(publication.gitDir, old, oid, { alternates: order.objectDirs })
        ? "non-fast-forward"
        : undefined;
      if (why) results.push({ ref, ok: false, why });
      else {
        if (oid) refs[ref] = oid;
        else delete refs[ref];
        results.push({ ref, ok: true });
      }
    }
    await publication.publish(refs, order.objectDirs);
    return results;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }

  #find(url: string): Publication {
    return new Publication(this.root, url.slice(url.lastIndexOf("/") + 1));
  }

  async #read(url: string): Promise<SyncedState> {
    const publication = this.#find(url);
    const state = await publication.state().catch(() => {
      throw new NetworkError("nobody-answered", `can't find ${url}: nobody knows it`, {
        hint: "check the address",
      });
    });
    return {
      ...state,
      address: publication.address,
      publisher: "ab".repeat(32),
      name: publication.name,
      gitDir: publication.gitDir,
      packBytes: state.packs.reduce((sum, { size }) => sum + size, 0),
    };
  }
}
