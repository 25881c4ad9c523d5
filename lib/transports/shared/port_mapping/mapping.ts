/**
 * One mapped port: asked for, renewed, removed.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { GtrError, NetworkError } from "../../../common/errors.ts";
import { reachOf } from "../../../common/reach.ts";
import { deadline } from "../../../common/wait.ts";
import type { Outside, PortMapping, PortRequest } from "./port_mapping.ts";
import type { MappedPort, PortMapper } from "./port_mapper.ts";
import type { Wish } from "./router.ts";

/** How long a mapping outlives a gtd that was killed, unless the next one takes it over. */
const LEASE_SECONDS = 3600;
/** Whatever a router says: asked for again after so many seconds at least, and at most. */
const MIN_RENEWAL_SECONDS = 60;
const MAX_RENEWAL_SECONDS = LEASE_SECONDS / 2;
/** After a failure: doubled each time, up to the second. */
const FIRST_RETRY_MS = 15_000;
const MAX_RETRY_MS = 15 * 60_000;
/** How long the end may wait for the router. */
const FAREWELL_MS = 1000;
/** Outside ports that are asked for where a router doesn't choose one by itself. */
const ALTERNATIVES = 4;
const FIRST_ALTERNATIVE = 20_000;
const LAST_ALTERNATIVE = 60_000;

/** What a mapping tells whoever wants it. */
export class Mapping implements PortMapping {
  outside: Outside | undefined;
  problem: string | undefined;
  readonly #mapper: PortMapper;
  readonly #wish: Wish;
  readonly #log: (message: string) => void;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #ended: () => void;
  #mapped: MappedPort | undefined;
  /** The port outside that it had last: others know that one. */
  #last: number | undefined;

  /**
   * @param secret of which all choices are made, so that they are the same after a restart
   * @param ended called when the router has forgotten it
   */
  constructor(
    { protocol, port }: PortRequest,
    mapper: PortMapper,
    secret: Uint8Array,
    log: (message: string) => void,
    ended: () => void,
  ) {
    this.#mapper = mapper;
    this.#wish = wishOf(protocol, port, secret);
    this.#log = log;
    this.#ended = ended;
    this.#running = this.#run();
  }

  onChange(listener: () => void): Disposable {
    const own = () => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return await this.#running;
    this.#stop.abort(new GtrError("closed", "the port is no longer needed"));
    await this.#running;
    // If it was being asked, the router may have mapped it all the same.
    const router = this.#mapped?.router ?? this.#mapper.router;
    if (router) {
      using limit = deadline(FAREWELL_MS, "the router to forget a port");
      await router.unmap(this.#wish, this.#mapped, limit.signal).catch(() => {}); // it ends by itself
    }
    this.#ended();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      let waitMs: number;
      try {
        const { outside } = this.#wish;
        const last = this.#last;
        const first = last === undefined ? outside : [last, ...outside.filter((p) => p !== last)];
        const mapped = await this.#mapper.map({ ...this.#wish, outside: first }, signal);
        this.#mapped = mapped;
        this.#last = mapped.port;
        const { host, port, by } = mapped;
        this.#set({ host, port, by }, problemOf(host));
        waitMs = renewalSeconds(mapped.seconds) * 1000;
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (signal.aborted) return;
        this.#mapped = undefined;
        const isNeeded = !(error instanceof NetworkError && error.code === "not-needed");
        this.#set(undefined, isNeeded ? (error as Error).message : undefined);
        waitMs = retryMs;
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
      await this.#mapper.changed(waitMs, signal);
    }
  }

  #set(outside: Outside | undefined, problem: string | undefined): void {
    const before = this.outside;
    const isSame = before?.host === outside?.host && before?.port === outside?.port &&
      before?.by === outside?.by && this.problem === problem;
    if (isSame) return;
    this.outside = outside;
    this.problem = problem;
    const { protocol, inside } = this.#wish;
    const what = `${protocol.toUpperCase()} port ${inside}`;
    if (outside) {
      const { host, port, by } = outside;
      const there = host.includes(":") ? `[${host}]` : host;
      this.#log(`${what} is ${there}:${port} outside (${by})${problem ? `; ${problem}` : ""}`);
    } else if (problem !== undefined) {
      this.#log(`${what} can't be reached through the router: ${problem}`);
    }
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Half of what the router gives, within bounds. */
export function renewalSeconds(seconds: number | undefined): number {
  const half = (seconds ?? LEASE_SECONDS) / 2;
  return Math.min(Math.max(half, MIN_RENEWAL_SECONDS), MAX_RENEWAL_SECONDS);
}

function problemOf(host: string): string | undefined {
  return reachOf(host) === "public"
    ? undefined
    : `the router's own address outside is private (${host}): another router is outside of it`;
}

function wishOf(protocol: "tcp" | "udp", inside: number, secret: Uint8Array): Wish {
  const bytes = createHmac("sha256", secret).update(`${protocol}/${inside}`).digest();
  const span = LAST_ALTERNATIVE - FIRST_ALTERNATIVE;
  const others = Array.from(
    { length: ALTERNATIVES },
    (_, i) => FIRST_ALTERNATIVE + bytes.readUInt16BE(12 + 2 * i) % span,
  );
  const outside = [inside, ...others.filter((port) => port !== inside)];
  return { protocol, inside, outside, seconds: LEASE_SECONDS, nonce: bytes.subarray(0, 12) };
}
