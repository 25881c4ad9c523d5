/**
 * Telling the networks of what is published.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import { Mutex } from "../../common/mutex.ts";
import type { Settings } from "../../common/settings.ts";
import { abortable, deadline, sleep } from "../../common/wait.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import type { OpenNetwork } from "../../ports/network.ts";
import type { Records } from "../../ports/records.ts";

/** How long the other networks are waited for once the first one has been told, in milliseconds. */
const OTHERS_MS = 250;

/** A network that can be told. */
interface Told extends Pick<OpenNetwork, "scheme" | "role"> {
  readonly records: Records;
}

/** Each network is told in its own time: one that is out of reach holds up no other. */
export class Announcements {
  readonly #networks: readonly Told[];
  readonly #settings: Settings;
  readonly #log: (message: string) => void;
  /** Repository path -> sequence number of its newest state. */
  readonly #newest = new Map<string, number>();
  /** Repository path -> networks that couldn't be told. */
  readonly #failed = new Map<string, Set<string>>();
  /** One at a time for a repository on a network. */
  readonly #turns = new Mutex();
  readonly #stop = new AbortController();

  constructor(
    networks: readonly OpenNetwork[],
    settings: Settings,
    log: (message: string) => void,
  ) {
    this.#networks = networks.flatMap(({ scheme, role, records }) =>
      records ? { scheme, role, records } : []
    );
    this.#settings = settings;
    this.#log = log;
  }

  /** Whether all networks were told of the repository's publication. */
  isTold({ path }: StoredRepository, sequence: number): boolean {
    return (this.#newest.get(path) ?? 0) >= sequence && (this.#failed.get(path)?.size ?? 0) === 0;
  }

  /**
   * Tells every network. Waits for the first of them, whose address people are given, for those
   * whose servers the user chose, and until some network has been told; then a moment for the others.
   * What takes longer goes on.
   *
   * @returns what has failed by then, in words; a network that is out of reach now is told later by
   * its own republishing
   */
  async tell(
    repository: StoredRepository,
    signed: SignedManifest,
    packs: readonly PackFile[],
  ): Promise<string[]> {
    const { path } = repository;
    this.#newest.set(path, Math.max(signed.manifest.sequence, this.#newest.get(path) ?? 0));
    const failures: (string | undefined)[] = [];
    const told = this.#networks.map(async (network, i) => {
      failures[i] = await this.#tellOne(network, path, signed, packs);
      if (failures[i] !== undefined) throw new Error(failures[i]);
    });
    const all = Promise.allSettled(told);
    const wanted = told.filter((_, i) => i === 0 || this.#networks[i]!.role === "server");
    const enough = Promise.all([Promise.any(told), Promise.allSettled(wanted)])
      .then(() => sleep(OTHERS_MS, this.#stop.signal)).catch(() => all);
    await Promise.race([all, enough]);
    return failures.filter((why) => why !== undefined);
  }

  /** Takes a repository back on every network. */
  async forget({ path }: StoredRepository, manifest: Manifest): Promise<void> {
    await Promise.allSettled(
      this.#networks.map((network) =>
        this.#turns.run(turnOf(path, network), async () => {
          using limit = deadline(this.#timeoutMs, `${network.scheme} to forget ${manifest.name}`);
          // The repository's lock may be held meanwhile, which no network may do for ever.
          await abortable(network.records.retract(manifest), limit.signal);
        })
      ),
    );
    this.#failed.delete(path);
    this.#newest.delete(path);
  }

  /** Ends what is under way. */
  stop(): void {
    this.#stop.abort();
  }

  get #timeoutMs(): number {
    return this.#settings.get("network.timeout") * 1000;
  }

  /** @returns what failed, in words */
  #tellOne(
    network: Told,
    path: string,
    signed: SignedManifest,
    packs: readonly PackFile[],
  ): Promise<string | undefined> {
    const { name, sequence } = signed.manifest;
    const { scheme, records } = network;
    return this.#turns.run(turnOf(path, network), async () => {
      // While this one waited, a newer one has come, which follows.
      if (sequence < (this.#newest.get(path) ?? 0) || this.#stop.signal.aborted) return undefined;
      using limit = deadline(this.#timeoutMs, `${scheme} to take the new state`, this.#stop.signal);
      try {
        // A network that ignores its signal can't hold up callers that wait, nor what follows.
        const done = records.publish(signed, packs, { signal: limit.signal });
        await abortable(done, limit.signal);
        this.#failed.get(path)?.delete(scheme);
        return undefined;
      } catch (error) {
        this.#failed.set(path, (this.#failed.get(path) ?? new Set()).add(scheme));
        if (this.#stop.signal.aborted) return undefined;
        const { message, hint } = toGtrError(error);
        const why = `${scheme}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
        this.#log(`can't announce ${name} on ${why}`);
        return why;
      }
    });
  }
}

function turnOf(path: string, { scheme }: Told): string {
  return `${scheme} ${path}`;
}
