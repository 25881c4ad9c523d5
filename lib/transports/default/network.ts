/**
 * https as a network of gtr: a server of what this node has, and a client of others'.
 *
 * @module
 */
import { isIPv4 } from "node:net";
import { reachOf } from "../../common/reach.ts";
import { NetworkError, toGtrError, UsageError, VerificationError } from "../../common/errors.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import type { Wait } from "../../common/wait.ts";
import type { PackRef, SignedManifest } from "../../manifest/types.ts";
import type { Health, HealthPort, Reach } from "../../ports/health.ts";
import type { Naming } from "../../ports/naming.ts";
import type { NetworkContext, OpenNetwork } from "../../ports/network.ts";
import type { FetchWait, Packs } from "../../ports/packs.ts";
import type { Records, ResolveWait } from "../../ports/records.ts";
import type { LiveStream, Streams } from "../../ports/streams.ts";
import { answer } from "./answer.ts";
import { dialServer } from "./dial.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { fetchFromServers } from "./fetch_pack.ts";
import { KnownServers, MAX_ENDPOINTS } from "./known_servers.ts";
import { Offers } from "./offers.ts";
import { Places } from "./places.ts";
import { serversThatHave } from "./holders.ts";
import { HttpServer, LIMITS, type ServerLimits } from "./server.ts";
import { ServerCertificate } from "./server_certificate.ts";

/** A client of https servers and, where it is switched on, a server. */
export class OpenDefault implements OpenNetwork {
  readonly scheme = "default";
  readonly role = "server";
  readonly #context: NetworkContext;
  readonly #offers = new Offers();
  readonly #known: KnownServers;
  #server: HttpServer | undefined;
  #certificate: ServerCertificate | undefined;
  /** Why it doesn't serve although it should. */
  #failure: string | undefined;

  private constructor(context: NetworkContext) {
    this.#context = context;
    this.#known = new KnownServers(context);
  }

  /**
   * Begins to serve, where `default.listen` is set. Where that can't be, others' servers are still
   * asked; the log and {@linkcode OpenDefault.health} say why.
   */
  static async open(
    context: NetworkContext,
    wait: Wait,
    limits: ServerLimits = LIMITS,
  ): Promise<OpenDefault> {
    wait.signal.throwIfAborted();
    const transport = new OpenDefault(context);
    const listen = context.settings.get("default.listen");
    if (listen === "") return transport;
    try {
      await transport.#listen(listen, limits);
    } catch (error) {
      transport.#failure = toGtrError(error).message;
      context.log(`serves no https: ${transport.#failure}`);
    }
    return transport;
  }

  endpoints(): readonly string[] {
    return this.#known.own === undefined ? [] : [this.#known.own];
  }

  readonly naming: Naming = {
    own: (name) => {
      const { own: host } = this.#known;
      if (host === undefined) return undefined;
      return formatAddress({ scheme: this.scheme, host, id: this.#context.key.id, name });
    },
  };

  readonly records: Records = {
    resolve: (address, wait) => this.#resolve(address, wait),
    publish: (manifest, _packs, { signal }) => {
      if (signal.aborted) return Promise.reject(signal.reason);
      this.#offers.announce(manifest);
      return Promise.resolve();
    },
    retract: (manifest) => {
      this.#offers.forget(manifest);
      return Promise.resolve();
    },
  };

  readonly packs: Packs = {
    searchable: false,
    maxBytes: () => undefined,
    offer: (file) => {
      const end = this.#offers.seed(file);
      return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(end()) });
    },
    fetch: (pack, from, into, wait) => this.#fetch(pack, from, into, wait),
    holders: (manifest, { signal }) => {
      const ask = this.#known.ask.bind(this.#known);
      return serversThatHave(manifest, this.#known.ofManifest(manifest), ask, signal);
    },
    /** Requests come and go: there is nobody who stays. */
    peers: () => 0,
  };

  readonly streams: Streams = { dial: (from, wait) => this.#dial(from, wait) };

  readonly health: HealthPort = {
    probe: () => Promise.resolve(this.#health()),
    now: () => Promise.resolve(this.#health()),
    reach: () => this.#reach(),
    measured: () => Promise.resolve(),
  };

  async *#resolve(address: RepoAddress, wait: ResolveWait): AsyncGenerator<SignedManifest> {
    wait.signal.throwIfAborted();
    const servers = this.#known.ofAddress(address, wait.known);
    // Of others' repositories it tells nothing that its own user doesn't know: an answer from here
    // would keep the engine from waiting for newer ones.
    let best = address.id === this.#context.key.id
      ? this.#offers.repository(address.id, address.name)?.signed
      : undefined;
    if (best) yield best;
    let failure: unknown;
    const ask = async (server: Endpoint, i: number) => {
      const signed = await this.#known.ask(server, address, wait.signal).catch((error) => {
        failure ??= error;
        if (error instanceof VerificationError) this.#context.dropped(error.code);
        return undefined;
      });
      return { i, signed };
    };
    const asked = new Map(servers.map((server, i) => [i, ask(server, i)]));
    while (asked.size > 0) {
      const { i, signed } = await Promise.race(asked.values());
      wait.signal.throwIfAborted();
      asked.delete(i);
      if (!signed || (best && signed.manifest.sequence <= best.manifest.sequence)) continue;
      yield best = signed;
    }
    if (servers.length === 0) wait.idle?.();
    if (!best && failure) throw failure;
  }

  async #fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void> {
    const { publisher, name } = from.manifest;
    await fetchFromServers(
      {
        pack,
        publisher,
        name,
        servers: this.#known.having(from.manifest),
        timeoutMs: this.#timeoutMs,
        dropped: this.#context.dropped,
      },
      into,
      wait,
    );
  }

  async #dial(from: SignedManifest, { signal }: Wait): Promise<LiveStream> {
    signal.throwIfAborted();
    const what = `can't fetch ${from.manifest.name} live over https`;
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const dials = this.#known.having(from.manifest).slice(0, MAX_ENDPOINTS).map(async (server) => {
      const { openManifest, dropped } = this.#context;
      const stream = await dialServer(server, from, openManifest, either).catch((error) => {
        if (error instanceof VerificationError) dropped(error.code);
        throw error;
      });
      if (stop.signal.aborted) stream.close(); // another was faster
      stop.abort();
      return stream;
    });
    if (dials.length === 0) {
      throw new NetworkError("no-source", `${what}: no server is known that could have it`);
    }
    try {
      return await Promise.any(dials);
    } catch (error) {
      signal.throwIfAborted();
      const cause = toGtrError((error as AggregateError).errors[0]);
      throw new NetworkError("no-live-peer", `${what}: ${cause.message}`, {
        hint: cause.hint,
        cause,
      });
    }
  }

  #health(): Health {
    if (this.#failure !== undefined) {
      return {
        reachable: false,
        summary: `serves no https: ${this.#failure}`,
        details: { listen: "failed" },
      };
    }
    if (!this.#server) {
      return {
        reachable: true,
        summary: "asks others' servers; serves nothing itself until default.listen is set",
        details: { listen: "off" },
      };
    }
    const { host } = parseEndpoint(this.#context.settings.get("default.listen"))!;
    const listen = formatEndpoint({ host, port: this.#server.port });
    const certificate = this.#certificate;
    const expires = certificate?.expires;
    const day = expires?.toISOString().slice(0, 10);
    const expired = expires !== undefined && expires.getTime() < Date.now();
    return {
      reachable: !expired,
      summary: expired
        ? `serves on ${listen}, but ${
          certificate!.origin
        } expired on ${day}: renew it, in its place`
        : this.#known.own === undefined
        ? `serves on ${listen}; others learn of it once default.address is set`
        : `serves on ${listen} as ${this.#known.own}`,
      details: {
        listen,
        ...(this.#known.own === undefined ? {} : { address: this.#known.own }),
        ...(certificate ? { certificate: certificate.origin, pin: certificate.pin } : {}),
        ...(day === undefined ? {} : { expires: day }),
      },
    };
  }

  /** Its address is the user's own word; whether that leads here has not been tried. */
  #reach(): Reach | undefined {
    const address = this.#known.own;
    if (!this.#server || address === undefined) return undefined;
    return reachOf(parseEndpoint(address)?.host ?? "") === "public"
      ? { how: "unknown", address, summary: `nobody was asked to connect to ${address}` }
      : { how: "local", address, summary: `only from where ${address} leads here` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#certificate?.[Symbol.dispose]();
    await this.#server?.[Symbol.asyncDispose]();
  }

  get #timeoutMs(): number {
    return this.#context.settings.get("network.timeout") * 1000;
  }

  async #listen(listen: string, limits: ServerLimits): Promise<void> {
    const { settings, key, dropped, log } = this.#context;
    const { host, port } = parseListen(listen);
    const encrypted = settings.get("default.tls");
    if (!encrypted && !isLoopback(host)) {
      throw new UsageError(
        "bad-setting",
        `can't serve on ${listen} without encryption: only on 127.0.0.1, [::1] or localhost`,
        { hint: "unset default.tls, or listen on loopback behind a server that encrypts" },
      );
    }
    const chosen = parseEndpoint(settings.get("default.address"));
    // Without encryption it is a server in front that asks, in the name of everybody.
    const own: ServerLimits = encrypted
      ? limits
      : { ...limits, connectionsPerPeer: Infinity, requestsPerPeer: Infinity };
    const processes = new Places(
      settings.get("default.processes"),
      encrypted ? settings.get("default.perPeer") : Infinity,
    );
    this.#certificate = encrypted ? await ServerCertificate.load(settings, key) : undefined;
    this.#server = await HttpServer.open({
      host,
      port,
      tls: this.#certificate?.current,
      limits: own,
      uploadRate: settings.get("default.uploadRate"),
      answer: (exchange) =>
        answer({
          offers: this.#offers,
          live: this.#context.live,
          origin: this.#known.own === undefined ? undefined : `https://${this.#known.own}`,
          protocol: encrypted ? "https" : "http",
          processes,
          queueMs: limits.queueMs,
        }, exchange),
      dropped,
      log,
    });
    // What nobody can dial names nobody: any address, or a port without encryption.
    const dialable = encrypted && host !== "0.0.0.0" && host !== "::";
    const dialled = chosen ?? (dialable ? { host, port: this.#server.port } : undefined);
    this.#known.own = dialled && formatEndpoint(dialled);
    this.#certificate?.watch((tls) => this.#server?.setCertificate(tls), log);
    const listens = formatEndpoint({ host, port: this.#server.port });
    log(`serves ${encrypted ? "https" : "http"} on ${listens}`);
  }
}

function parseListen(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint) return endpoint;
  throw new NetworkError("bad-setting", `can't listen on ${text}: it is not host:port`);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
