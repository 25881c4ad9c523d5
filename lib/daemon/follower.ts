/**
 * Keeping followed repositories up to date, and one's own with what one's other machines publish.
 *
 * @module
 */
import { toGtrError } from "../common/errors.ts";
import { deadline } from "../common/wait.ts";
import type { Engine } from "../engine/engine.ts";
import type { Manifest } from "../manifest/types.ts";
import type { Follow } from "../store/follows.ts";
import { FollowSchedule, type Outcome } from "./follow_schedule.ts";

/** Repositories that are updated at the same time. */
const CONCURRENT = 4;
/** A first fetch of a large one takes long. */
const UPDATE_MS = 3_600_000;

/** A repository that is kept up to date; `own` where this user publishes it. */
type Kept =
  & Pick<Follow, "publisher" | "name">
  & ({ readonly own: true } | Follow & { own?: false });

/**
 * Asks about each followed repository when it is time, and at once when a peer has news of it. One's
 * own are asked about too: another machine may have published with the same key.
 */
export class Follower implements Disposable {
  readonly #engine: Engine;
  readonly #log: (message: string) => void;
  readonly #schedule = new FollowSchedule();
  readonly #caughtUp: (name: string) => void;
  readonly #follows = new Map<string, Kept>();
  /** Repository -> the newest sequence that is in the store, or was found to be of no concern. */
  readonly #sequences = new Map<string, number>();
  readonly #watches = new Map<string, Disposable[]>();
  readonly #stop = new AbortController();
  #running = 0;
  #timer?: ReturnType<typeof setTimeout>;

  /** @param caughtUp told of one's own repository when another machine's publication has come */
  constructor(
    engine: Engine,
    log: (message: string) => void,
    caughtUp: (name: string) => void = () => {},
  ) {
    this.#engine = engine;
    this.#log = log;
    this.#caughtUp = caughtUp;
  }

  /** Reads which repositories are followed now; asks about those that are new. */
  async refresh(): Promise<void> {
    const { follows, store } = this.#engine.parts;
    const own = (await this.#engine.own()).map(({ publisher, name }) =>
      ({ publisher, name, own: true }) as const
    );
    const wanted = new Map<string, Kept>(
      [...await follows.list(), ...own].map((kept) => [keyOf(kept), kept]),
    );
    for (const key of this.#follows.keys()) if (!wanted.has(key)) this.#forget(key);
    for (const [key, follow] of wanted) {
      this.#follows.set(key, follow);
      const signed = await store.repository(follow.publisher, follow.name).usableManifest();
      if (signed) this.#watch(key, signed.manifest);
    }
    if (this.#stop.signal.aborted) return this.#close();
    this.#schedule.set(this.#follows.keys(), performance.now());
    this.#work();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#close();
  }

  /** Starts what is due, and comes back when the next is. */
  #work(): void {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    const now = performance.now();
    for (const key of this.#schedule.take(CONCURRENT - this.#running, now)) void this.#update(key);
    if (this.#running >= CONCURRENT) return; // whichever ends first comes back
    const next = this.#schedule.nextAt();
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.#work(), Math.max(0, next - now));
  }

  async #update(key: string): Promise<void> {
    this.#running++;
    const outcome = await this.#ask(key, this.#follows.get(key)!);
    this.#running--;
    this.#schedule.ended(key, outcome, performance.now());
    this.#work();
  }

  /** Everything is asked about now: the machine may have slept. */
  askAll(): void {
    for (const key of this.#follows.keys()) this.#schedule.notice(key);
    this.#work();
  }

  async #ask(key: string, follow: Kept): Promise<Outcome> {
    if (follow.own) return await this.#catchUp(key, follow);
    using limit = deadline(UPDATE_MS, `an update of ${follow.name}`, this.#stop.signal);
    try {
      const { signed, skipped, warning } = await this.#engine.update(follow, limit);
      const { manifest } = signed;
      const before = this.#sequences.get(key) ?? 0;
      const isFollowed = this.#follows.has(key) && !this.#stop.signal.aborted;
      if (isFollowed) this.#watch(key, manifest, skipped);
      if (skipped !== undefined && skipped > before) {
        this.#log(`skipped ${follow.name}: publication ${skipped} changes no followed branch`);
        return "skipped";
      }
      if (manifest.sequence > before) return "changed";
      return warning === undefined ? "same" : "failed";
    } catch (error) {
      if (!this.#stop.signal.aborted && this.#follows.has(key)) {
        this.#log(`can't update ${follow.name}: ${toGtrError(error).message}`);
      }
      return "failed";
    }
  }

  async #catchUp(key: string, { name, publisher }: Kept): Promise<Outcome> {
    using limit = deadline(UPDATE_MS, `what other machines publish of ${name}`, this.#stop.signal);
    try {
      const changed = await this.#engine.catchUp(name, limit);
      const here = await this.#engine.parts.store.repository(publisher, name).usableManifest();
      if (here && this.#follows.has(key)) this.#watch(key, here.manifest);
      if (changed) this.#caughtUp(name);
      return changed ? "changed" : "same";
    } catch (error) {
      const { code, message } = toGtrError(error);
      // Offline, nothing can be known: what matters is said where it hinders a publication.
      if (code === "newer-elsewhere" && !this.#stop.signal.aborted) this.#log(message);
      return "failed";
    }
  }

  /** Has every network that can tell of news do so. */
  #watch(key: string, manifest: Manifest, newest = manifest.sequence): void {
    this.#sequences.set(key, Math.max(newest, this.#sequences.get(key) ?? 0));
    if (this.#watches.has(key)) return;
    const noticed = (sequence: number) => {
      if (sequence <= (this.#sequences.get(key) ?? 0)) return;
      this.#schedule.notice(key);
      this.#work();
    };
    const { networks } = this.#engine.parts;
    this.#watches.set(
      key,
      networks.flatMap(({ notices }) => notices?.watch(manifest, noticed) ?? []),
    );
  }

  #forget(key: string): void {
    this.#follows.delete(key);
    this.#sequences.delete(key);
    for (const watch of this.#watches.get(key) ?? []) watch[Symbol.dispose]();
    this.#watches.delete(key);
  }

  #close(): void {
    clearTimeout(this.#timer);
    for (const key of [...this.#follows.keys()]) this.#forget(key);
  }
}

function keyOf({ publisher, name }: Kept): string {
  return `${publisher}/${name}`;
}
