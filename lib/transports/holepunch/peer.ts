/**
 * A node that is in use: what it serves, announces and asks.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { GtrError } from "../../common/errors.ts";
import { abortable, deadline, type Wait } from "../../common/wait.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { NoiseStream, Server } from "../../types/hyperdht.d.ts";
import { isOutside, ownNetworks } from "../shared/own_networks.ts";
import { liveLimits } from "../shared/live_limits.ts";
import { mapPort } from "../shared/port_mapping/mod.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import type { Health, Reach } from "../../ports/health.ts";
import type { NetworkContext } from "../../ports/network.ts";
import type { LiveAnswer } from "../../ports/streams.ts";
import { Asker } from "./asker.ts";
import { TopicAnnouncer } from "./announcer.ts";
import { Exchange } from "./exchange/exchange.ts";
import { healthOf } from "./health.ts";
import { Keeper } from "./keeper.ts";
import { HyperNode } from "./node.ts";
import type { Offers } from "./offers.ts";
import { judge } from "./reach.ts";
import { Records } from "./records.ts";
import type { RelayServer } from "./relay_server.ts";
import { PeerServer } from "./server.ts";
import { repositoryOf, topicOf } from "./topic.ts";
import { Watchers } from "./watchers.ts";

/** How long a peer may take until it has asked for something. */
const GREETING_MS = 30_000;
/** How long joining the network may take; who asks later is told how it is by then. */
const JOIN_MS = 4_000;
/**
 * How long the end, or taking a repository back, waits for nodes of the DHT; the end not at all where
 * they are out of reach.
 */
const FAREWELL_MS = 2_000;

/** What a peer is made from. */
export interface PeerOptions {
  readonly context: NetworkContext;
  readonly offers: Offers;
  /** The 32 bytes of which its key pair is made. */
  readonly seed: Uint8Array;
  readonly live: LiveAnswer;
}

/** One node of HyperDHT with its server. */
export class Peer implements AsyncDisposable {
  /** What it asks others. */
  readonly ask: Asker;
  readonly #node: HyperNode;
  readonly #server: PeerServer;
  readonly #watchers: Watchers;
  readonly #keeper: Keeper;
  readonly #exchange: Exchange;
  /** Topics of the repositories that are here, in hex. */
  readonly #topics: Set<string>;
  /** Those of which something is here, and how many fetches of it there are. */
  readonly #meetings: Map<string, number>;
  readonly #relay: RelayServer | undefined;
  readonly #stop = new AbortController();
  readonly #openedAt = performance.now();
  readonly #settings: NetworkContext["settings"];
  /** When somebody from outside last connected, in milliseconds since 1970. */
  #connectedAt: number | undefined;
  /** Undefined until the DHT has taken the server's announcement. */
  readonly #announcer: Promise<TopicAnnouncer>;

  private constructor(
    options: PeerOptions,
    node: HyperNode,
    relay: RelayServer | undefined,
    topics: { readonly whole: Set<string>; readonly partial: Map<string, number> },
  ) {
    const { context } = options;
    const { settings, key, dropped, log } = context;
    const connections = settings.get("holepunch.maxConnections");
    this.#settings = settings;
    this.#node = node;
    this.#relay = relay;
    this.#topics = topics.whole;
    this.#meetings = topics.partial;
    this.#watchers = new Watchers(Math.ceil(connections / 2));
    const records = new Records(node.dht, {
      key,
      openManifest: context.openManifest,
      maxPacks: settings.get("holepunch.dhtPacks"),
    });
    this.#keeper = new Keeper(records, key.publicKeyHex, log);
    node.onReturn(() => void this.#keeper.again());
    this.#exchange = new Exchange(options.offers);
    this.ask = new Asker({
      context,
      node,
      records,
      exchange: this.#exchange,
      meet: (manifest) => this.#meet(manifest),
      stop: this.#stop.signal,
    });
    const server = new PeerServer({
      limits: {
        connections,
        uploadRate: settings.get("holepunch.uploadRate"),
        patienceMs: GREETING_MS,
        live: liveLimits(settings),
      },
      offers: options.offers,
      exchange: this.#exchange,
      watchers: this.#watchers,
      live: options.live,
      dropped,
      log,
    });
    this.#server = server;
    const listening: Promise<Server> = node.listen(
      () => server.admits(),
      (stream) => {
        this.#arrived(stream);
        server.accept(stream);
      },
    );
    this.#announcer = listening.then((listener) => new TopicAnnouncer(node, listener, log));
    this.#announcer.catch((error) => log(`holepunch can't listen: ${error.message}`));
  }

  /** Opens sockets and begins to join the network and to listen. */
  static async open(options: PeerOptions): Promise<Peer> {
    const { context } = options;
    const { settings, dropped, log } = context;
    const topics = { whole: new Set<string>(), partial: new Map<string, number>() };
    const has = (topic: Buffer) => {
      const hex = topic.toString("hex");
      return topics.whole.has(hex) || topics.partial.has(hex);
    };
    const local = { has, dropped, log };
    const host = settings.get("holepunch.host");
    const node = await HyperNode.open({
      host,
      port: settings.get("holepunch.port"),
      bootstrap: settings.get("holepunch.bootstrap"),
      seed: options.seed,
      relays: settings.get("holepunch.relays"),
      mapPort: (port) => mapPort({ protocol: "udp", port, host }, context),
      ...(settings.get("holepunch.lan") ? { local } : {}),
    });
    const relay = settings.get("holepunch.relay") ? await openRelay(context, node) : undefined;
    return new Peer(options, node, relay, topics);
  }

  /**
   * Makes this node findable as one that has the repository, keeps what is small in the DHT, and tells
   * who waits for news.
   */
  async announce(
    signed: SignedManifest,
    packs: readonly PackFile[],
    { signal }: Wait,
  ): Promise<void> {
    const repository = repositoryOf(signed.manifest);
    if (this.#keeper.sequence(signed.manifest) > signed.manifest.sequence) return;
    const topic = topicOf(...split(repository));
    this.#topics.add(topic.toString("hex"));
    const kept = this.#keeper.keep(signed, packs);
    this.#watchers.tell(repository, signed.manifest.sequence);
    const told = Promise.all([
      this.#announcer.then((announcer) => announcer.announce(topic, this.#stop.signal)),
      kept,
    ]);
    told.catch(() => {}); // nobody waits where the DHT is out of reach: neighbours ask
    if (!await this.#node.isolated(signal)) await abortable(told, signal);
  }

  async forget(manifest: Manifest): Promise<void> {
    const topic = topicOf(...split(repositoryOf(manifest)));
    this.#topics.delete(topic.toString("hex"));
    using limit = deadline(FAREWELL_MS, "HyperDHT to forget a repository");
    const forgotten = this.#announcer.then((it) => it.forget(topic));
    // A node that can't listen, or not yet, has records all the same.
    await Promise.all([
      abortable(forgotten, limit.signal).catch(() => {}),
      this.#keeper.forget(manifest),
    ]);
  }

  /** Makes this node findable as one that has something of the repository. */
  #meet(manifest: Manifest): () => void {
    const topic = topicOf(...split(repositoryOf(manifest)));
    const hex = topic.toString("hex");
    const others = this.#meetings.get(hex) ?? 0;
    this.#meetings.set(hex, others + 1);
    if (others === 0 && !this.#topics.has(hex)) {
      const met = this.#announcer.then((it) => it.announce(topic, this.#stop.signal));
      met.catch(() => {}); // those who fetch tell each other, too
    }
    return () => {
      const left = this.#meetings.get(hex)! - 1;
      if (left > 0) return void this.#meetings.set(hex, left);
      this.#meetings.delete(hex);
      if (this.#stop.signal.aborted || this.#topics.has(hex)) return;
      this.#announcer.then((it) => it.forget(topic)).catch(() => {});
    };
  }

  /** Who waits here for news of it. */
  peers(manifest: Manifest): number {
    return this.#watchers.of(repositoryOf(manifest));
  }

  /** Whether others can connect to this node, as far as is known. */
  reach(): Reach {
    const { dht, neighbours, first, relays, size } = this.#node;
    const { host, port, firewalled, bootstrapped } = dht;
    return judge({
      host: this.#settings.get("holepunch.host"),
      own: ownNetworks().addresses,
      joined: bootstrapped,
      nodes: size,
      isFirst: first !== undefined,
      isIsolated: neighbours !== undefined,
      voices: dht._nat.size,
      seenAt: host === null ? undefined : { host, port },
      firewalled,
      relays,
      mapped: this.#node.mapping?.outside,
      connectedAt: this.#connectedAt,
    });
  }

  /** Waits until the network has been joined. */
  async measured({ signal }: Wait): Promise<void> {
    await this.#node.ready(signal);
  }

  #arrived({ rawStream }: NoiseStream): void {
    const host = rawStream?.remoteHost;
    const closed = this.#settings.get("holepunch.bootstrap") !== undefined;
    if (host && isOutside(host, ownNetworks(), closed)) this.#connectedAt = Date.now();
  }

  async probe({ signal }: Wait): Promise<Health> {
    const left = Math.max(0, this.#openedAt + JOIN_MS - performance.now());
    using limit = deadline(left, "HyperDHT to be joined", signal);
    await this.#node.ready(limit.signal).catch(() => signal.throwIfAborted());
    return this.health();
  }

  health(): Health {
    return healthOf(this.#node, this.#relay, this.#server.size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GtrError("stopping", "gtd is stopping"));
    this.#keeper[Symbol.dispose]();
    this.#server.close();
    this.#exchange[Symbol.dispose]();
    this.#relay?.close();
    using limit = deadline(this.#node.online ? FAREWELL_MS : 0, "HyperDHT to forget this node");
    const forgotten = this.#announcer.then((it) => it.end(limit.signal)).catch(() => {});
    await abortable(forgotten, limit.signal).catch(() => {});
    await this.#node.close(limit.signal);
    await forgotten;
  }
}

/** A relay under a key of its own: it says nothing of the publisher. */
async function openRelay(context: NetworkContext, node: HyperNode): Promise<RelayServer> {
  const { settings, key, dropped } = context;
  const { RelayServer } = await import("./relay_server.ts");
  return RelayServer.open({
    node,
    seed: key.derive("holepunch-relay-v1", 32),
    limits: {
      connections: settings.get("holepunch.relayConnections"),
      perPeer: settings.get("holepunch.relayPerPeer"),
      rate: settings.get("holepunch.relayRate"),
      seconds: settings.get("holepunch.relaySeconds"),
    },
    dropped,
  });
}

function split(repository: string): [id: string, name: string] {
  const slash = repository.indexOf("/");
  return [repository.slice(0, slash), repository.slice(slash + 1)];
}
