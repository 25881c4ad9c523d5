/**
 * What relays are to delete (NIP-09) and haven't been told to yet: tried until they have taken it, also
 * by the next gtd.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../../../common/atomic_file.ts";
import { GtrError, NetworkError, toGtrError } from "../../../common/errors.ts";
import { Mutex } from "../../../common/mutex.ts";
import { abortable, sleep } from "../../../common/wait.ts";
import { encodeDeletions } from "../events/deletion.ts";
import type { NostrEvent } from "../events/event.ts";
import { DELETION } from "../events/kinds.ts";
import type { NostrSigner } from "../events/signer.ts";
import { eventsOf, filtersOf, readEvents, type RepositoryLookup } from "../repositories/lookup.ts";
import { Retry } from "./retry.ts";
import { chunksOf } from "./sign_events.ts";

/** What {@linkcode Withdrawals} works with. */
export interface WithdrawalParts {
  readonly lookup: RepositoryLookup;
  readonly signer: (signal: AbortSignal) => Promise<NostrSigner>;
  /** Where the list is kept. */
  readonly folder: string;
  readonly log: (message: string) => void;
  /** Milliseconds before the first further try; twice as long before each one after it. */
  readonly retry: number;
}

/** One repository that is published no more. */
interface Withdrawal {
  readonly name: string;
  /** Since when, in seconds since 1970: what is dated later is another publication. */
  at: number;
  /** Relays that haven't taken it. */
  readonly relays: Set<string>;
  /** What was published, as far as that is known: relays may still be given it. */
  readonly known: readonly NostrEvent[];
}

const FileForm = v.object({
  version: v.literal(1),
  withdrawals: v.array(v.object({
    name: v.string(),
    at: v.pipe(v.number(), v.safeInteger()),
    relays: v.array(v.string()),
  })),
});

const FILE = "withdrawals.json";
/** After so many seconds a relay that never answers is given up. */
const MAX_AGE = 7 * 86_400;
/** How long the other relays are waited for once one has taken it, in milliseconds. */
const GRACE_MS = 500;

/** Asks relays to delete repositories of one's own. */
export class Withdrawals implements AsyncDisposable {
  readonly #pending = new Map<string, Withdrawal>();
  /** Name -> the first second at which it may be published again. */
  readonly #floor = new Map<string, number>();
  readonly #turns = new Mutex();
  readonly #stop = new AbortController();
  readonly #loaded: Promise<void>;
  readonly #retry: Retry;
  readonly #running = new Set<Promise<unknown>>();

  constructor(readonly parts: WithdrawalParts) {
    this.#retry = new Retry(parts.retry, () => this.#again());
    this.#loaded = this.#load();
  }

  /** No event about `name` is dated before, in seconds since 1970: a deletion would cover it. */
  async floor(name: string): Promise<number> {
    await this.#loaded;
    return this.#floor.get(name) ?? 0;
  }

  /**
   * Asks the user's relays to delete all of a repository. Returns a moment after the first has taken
   * it, or when all have been tried; those that haven't are tried again.
   */
  async add(name: string, known: readonly NostrEvent[]): Promise<void> {
    await this.#loaded;
    const now = Math.floor(Date.now() / 1000);
    const at = Math.max(now, ...known.map(({ created_at }) => created_at));
    const withdrawal = { name, at, relays: new Set(this.parts.lookup.own), known };
    this.#pending.set(name, withdrawal);
    this.#floor.set(name, at + 1);
    await this.#save();
    const first = Promise.withResolvers<void>();
    const all = this.#try(withdrawal, true, first.resolve);
    const { signal } = this.#stop;
    const enough = first.promise.then(() => sleep(GRACE_MS, signal)).catch(() => {});
    await abortable(Promise.race([all, enough]), signal);
  }

  /** Asks no more: the name is published again. */
  async cancel(name: string): Promise<void> {
    await this.#loaded;
    if (this.#pending.delete(name)) await this.#save();
  }

  /** Tries again at once what was not taken. */
  async goOn(): Promise<void> {
    await this.#loaded;
    this.#retry.reset();
    await this.#again();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#retry[Symbol.dispose]();
    this.#stop.abort(new GtrError("closed", "publishing on Nostr has ended"));
    await Promise.allSettled([this.#loaded, ...this.#running]);
  }

  async #again(): Promise<void> {
    for (const withdrawal of this.#pending.values()) await this.#try(withdrawal, false);
  }

  /** @param isFirst all that relays have is meant, whenever it is dated */
  async #try(withdrawal: Withdrawal, isFirst: boolean, taken = () => {}): Promise<void> {
    const running = this.#turns.run(withdrawal.name, async () => {
      const { name, relays } = withdrawal;
      if (this.#pending.get(name) !== withdrawal) return;
      const before = relays.size;
      try {
        await this.#askRelays(withdrawal, isFirst, taken);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const left = [...relays].join(", ");
        this.parts.log(`can't delete ${name} on ${left} yet: ${toGtrError(error).message}`);
      }
      if (this.#pending.get(name) !== withdrawal) return;
      const age = Date.now() / 1000 - withdrawal.at;
      if (relays.size === 0 || age > MAX_AGE) this.#pending.delete(name);
      else this.#retry.later();
      if (relays.size < before || !this.#pending.has(name)) await this.#save();
    });
    this.#running.add(running);
    await running.finally(() => this.#running.delete(running));
  }

  /** Asks the relays what they have, and those that answer to delete it. */
  async #askRelays(withdrawal: Withdrawal, isFirst: boolean, taken: () => void): Promise<void> {
    const { name, relays, known } = withdrawal;
    const { lookup, signer } = this.parts;
    const { signal } = this.#stop;
    const key = await signer(signal);
    const address = { pubkey: key.pubkey, identifier: name, relays: [] };
    const asked = [...relays];
    const { events, answered, failed } = await lookup.relays.query(
      asked,
      filtersOf(address),
      signal,
    );
    // What one relay was asked to delete already, another may have still.
    const meant = [...known, ...events].filter(({ kind, created_at }) =>
      kind !== DELETION && (isFirst || created_at <= withdrawal.at)
    );
    const found = readEvents(meant, address, lookup.own);
    const wanted = eventsOf(found);
    withdrawal.at = Math.max(withdrawal.at, ...wanted.map((event) => event.created_at));
    this.#floor.set(name, withdrawal.at + 1);
    const templates = encodeDeletions(wanted, chunksOf(found), withdrawal.at);
    const requests: NostrEvent[] = [];
    for (const template of templates) requests.push(await key.sign(template, signal));
    await Promise.all(answered.map(async (url) => {
      for (const request of requests) {
        const fault = (await lookup.relays.publish([url], request, 0, signal)).failed.get(url);
        // Who refuses has answered: it won't take another either.
        if (fault && fault.code !== "refused") return;
      }
      relays.delete(url);
      taken();
    }));
    const [fault] = failed.values();
    if (relays.size > 0) throw fault ?? new NetworkError("unreachable", "the connection was lost");
  }

  async #load(): Promise<void> {
    const path = join(this.parts.folder, FILE);
    try {
      const text = await readTextIfPresent(path);
      if (text === undefined) return;
      for (const { name, at, relays } of v.parse(FileForm, JSON.parse(text)).withdrawals) {
        // Whom the user has taken off the list is not contacted.
        const left = relays.filter((url) => this.parts.lookup.own.includes(url));
        this.#floor.set(name, at + 1);
        if (left.length > 0) {
          this.#pending.set(name, { name, at, relays: new Set(left), known: [] });
        }
      }
      if (this.#pending.size > 0) this.#retry.later();
    } catch (error) {
      this.parts.log(`what relays were to delete is forgotten: ${(error as Error).message}`);
    }
  }

  /** One at a time, so that the file ends as the list does; without it, the list holds until gtd ends. */
  async #save(): Promise<void> {
    await this.#turns.run(`${FILE}/`, async () => {
      const withdrawals = [...this.#pending.values()]
        .map(({ name, at, relays }) => ({ name, at, relays: [...relays] }));
      const text = JSON.stringify({ version: 1, withdrawals });
      await writeFileAtomic(join(this.parts.folder, FILE), text);
    }).catch((error) => this.parts.log(toGtrError(error).message));
  }
}
