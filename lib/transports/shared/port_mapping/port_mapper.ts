/**
 * One router for all mappings of this process: found once, and again when it has gone.
 *
 * @module
 */
import { isIPv6 } from "node:net";
import { NetworkError } from "../../../common/errors.ts";
import { Mutex } from "../../../common/mutex.ts";
import { gatewayRestart, hearRouter, upnpRestart } from "./announcements.ts";
import { NatPmpRouter, PcpRouter } from "./gateway_routers.ts";
import type { MappedBy } from "./port_mapping.ts";
import type { Mapped, Router, RouterEvents, Wish } from "./router.ts";
import type { NoRouter, Surroundings } from "./surroundings.ts";
import { findUpnpRouter } from "./upnp_router.ts";

/** Changes of this computer's networks are looked for so often. */
const LOOK_MS = 5000;
/** However much a router, or who pretends to be it, says that it has restarted. */
const MIN_WAKE_MS = 5000;
/** A router that was not found is not looked for again at once, for another port. */
const ABSENT_MS = 10_000;

/** Where routers and their announcements are; only tests have others. */
export interface RouterPorts {
  readonly gateway: number;
  readonly announcements: { readonly host: string; readonly port: number };
  readonly ssdp: { readonly host: string; readonly port: number };
}

/** How long routers are waited for; only tests are in more of a hurry. */
export interface Patience {
  /** Each attempt by PCP or NAT-PMP (RFC 6886, section 3.1, cut short: it is in the same home). */
  readonly triesMs: readonly number[];
  /** Answers of UPnP. */
  readonly searchMs: number;
}

const PATIENCE: Patience = { triesMs: [250, 500, 1000], searchMs: 3000 };

/** As the specifications say. */
export const ROUTER_PORTS: RouterPorts = {
  gateway: 5351,
  announcements: { host: "224.0.0.1", port: 5350 },
  ssdp: { host: "239.255.255.250", port: 1900 },
};

/** What a mapper works with. */
export interface PortMapperOptions {
  /** Looks which router to ask. */
  readonly look: (signal: AbortSignal) => Promise<Surroundings | NoRouter>;
  /** The same text as long as this computer has the same addresses. */
  readonly addresses: () => string;
  readonly dropped: (reason: string) => void;
  readonly ports?: RouterPorts;
  readonly patience?: Patience;
}

/** A port that is mapped, and by whom. */
export interface MappedPort extends Mapped {
  readonly by: MappedBy;
  readonly router: Router;
}

/** Finds the router and asks it. */
export class PortMapper implements Disposable {
  readonly #options: PortMapperOptions;
  readonly #ports: RouterPorts;
  readonly #mutex = new Mutex();
  readonly #wakers = new Set<() => void>();
  readonly #events: RouterEvents;
  readonly #timer: ReturnType<typeof setInterval>;
  #addresses: string;
  #router: Router | undefined;
  /** It answers, and may have mapped a port without our having heard of it yet. */
  #found: Router | undefined;
  #heard: Disposable | undefined;
  #outside: string | undefined;
  #own = "";
  #absent: { readonly why: Error; readonly at: number } | undefined;
  #wokenAt = -Infinity;

  constructor(options: PortMapperOptions) {
    this.#options = options;
    this.#ports = options.ports ?? ROUTER_PORTS;
    this.#events = { dropped: options.dropped, restarted: () => this.#restarted() };
    this.#addresses = options.addresses();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** The router that mapped a port last, or is being asked to for the first time. */
  get router(): Router | undefined {
    return this.#router ?? this.#found;
  }

  /**
   * Maps a port by whatever protocol the router takes.
   *
   * @throws {NetworkError} "no-port-mapping", with what a person can be told; "not-needed"
   */
  async map(wish: Wish, signal: AbortSignal): Promise<MappedPort> {
    const map = async () => {
      signal.throwIfAborted();
      const router = this.#router;
      if (router) {
        try {
          return this.#mapped(router, await router.map(wish, signal));
        } catch {
          signal.throwIfAborted();
          // Another protocol may do, or another router is there now. It is heard on: it may come back.
          this.#router = undefined;
          this.#absent = undefined;
        }
      }
      const absent = this.#absent;
      if (absent && performance.now() - absent.at < ABSENT_MS) throw absent.why;
      return await this.#find(wish, signal);
    };
    return await this.#mutex.run("router", map, signal);
  }

  /** Resolves when the networks or the router have changed, or after `ms`. */
  async changed(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, ms);
    Deno.unrefTimer(timer);
    signal.addEventListener("abort", wake, { once: true });
    if (signal.aborted) wake();
    this.#wakers.add(wake);
    await promise;
    this.#wakers.delete(wake);
    signal.removeEventListener("abort", wake);
    clearTimeout(timer);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#forget();
    this.#wake();
  }

  async #find(wish: Wish, signal: AbortSignal): Promise<MappedPort> {
    const where = await this.#options.look(signal);
    if (!("own" in where)) {
      const code = where.problem === undefined ? "not-needed" : "no-port-mapping";
      throw new NetworkError(code, where.problem ?? "no router has to be asked");
    }
    const { own, gateways, isKnown } = where;
    this.#own = own;
    const port = this.#ports.gateway;
    const { triesMs, searchMs } = this.#options.patience ?? PATIENCE;
    const why: string[] = [];
    const attempt = async (open: () => Promise<Router> | Router) => {
      try {
        const router = await open();
        return this.#mapped(router, await router.map(wish, signal));
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof NetworkError && error.code === "no-port-mapping") {
          why.push(error.message);
        }
        return undefined;
      }
    };
    const isPinhole = isIPv6(own);
    for (const address of gateways) {
      const gateway = { address, port, own, triesMs };
      const mapped = await attempt(() => new PcpRouter(gateway, this.#events)) ??
        (isPinhole ? undefined : await attempt(() => new NatPmpRouter(gateway, this.#events)));
      if (mapped) return mapped;
    }
    // Whether a router that says nothing keeps anybody out is not known: there may be no firewall.
    if (isPinhole) throw new NetworkError(why[0] ? "no-port-mapping" : "not-needed", why[0] ?? "");
    const search = {
      group: this.#ports.ssdp,
      own,
      searchMs,
      gateways: isKnown ? gateways : undefined,
    };
    const mapped = await attempt(async () => {
      return this.#found = await findUpnpRouter(search, this.#events, signal);
    });
    this.#found = undefined;
    if (mapped) return mapped;
    const error = new NetworkError("no-port-mapping", this.#explain(gateways[0]!, why));
    this.#absent = { why: error, at: performance.now() };
    throw error;
  }

  #explain(gateway: string, why: readonly string[]): string {
    const refusals = why.filter((line) => !line.endsWith("no router answers"));
    return refusals.length > 0
      ? `the router at ${gateway} maps no port: ${refusals.join("; ")}`
      : `the router at ${gateway} maps no ports: it answers neither PCP, NAT-PMP nor UPnP`;
  }

  #mapped(router: Router, mapped: Mapped): MappedPort {
    this.#outside = mapped.host;
    this.#absent = undefined;
    if (this.#router !== router) {
      this.#router = router;
      this.#heard?.[Symbol.dispose]();
      this.#heard = this.#hear(router);
    }
    return { ...mapped, by: router.by, router };
  }

  #hear(router: Router): Disposable {
    const isGateway = router instanceof PcpRouter || router instanceof NatPmpRouter;
    const { announcements, ssdp } = this.#ports;
    const { host, port } = isGateway ? announcements : ssdp;
    return hearRouter({
      port,
      group: host,
      own: this.#own,
      router: router.address,
      isRestart: isGateway ? gatewayRestart(router.epoch, () => this.#outside) : upnpRestart(),
      restarted: () => this.#restarted(),
    });
  }

  #look(): void {
    const addresses = this.#options.addresses();
    if (addresses === this.#addresses) return;
    this.#addresses = addresses;
    this.#forget();
    this.#wake();
  }

  #restarted(): void {
    const now = performance.now();
    if (now - this.#wokenAt < MIN_WAKE_MS) return this.#options.dropped("router-flood");
    this.#wokenAt = now;
    this.#absent = undefined;
    this.#wake();
  }

  #forget(): void {
    this.#heard?.[Symbol.dispose]();
    this.#heard = undefined;
    this.#router = undefined;
    this.#found = undefined;
    this.#absent = undefined;
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }
}
