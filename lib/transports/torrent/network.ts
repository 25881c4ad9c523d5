/**
 * BitTorrent as a network of gtr: records in the DHT, packs in the swarm.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "../../common/counted.ts";
import { NetworkError, VerificationError } from "../../common/errors.ts";
import { sleep, type Wait } from "../../common/wait.ts";
import { packInfo, torrentName } from "../../manifest/pack_torrent.ts";
import { piecesOf } from "../shared/served_packs.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type { Health, HealthPort } from "../../ports/health.ts";
import type { NetworkContext, OpenNetwork } from "../../ports/network.ts";
import type { FetchWait, Holder, HolderWait, Packs } from "../../ports/packs.ts";
import type { Records } from "../../ports/records.ts";
import type { LiveStream, Streams } from "../../ports/streams.ts";
import type { Address } from "./address.ts";
import { dialable, mayDial, publicEndpoints, readEndpoints } from "./addresses.ts";
import { Announcer } from "./announcer.ts";
import { dialFirst, dialPeer } from "./live/dial.ts";
import { listen, type Listening } from "./listen.ts";
import type { LiveServer } from "./live/server.ts";
import type { Dht } from "./dht/dht.ts";
import { mutableTarget } from "./dht/items.ts";
import { decodePackIndex, readItemTree } from "./dht_packs.ts";
import { fetchFile } from "./fetch_file.ts";
import { findPeers } from "./find_peers.ts";
import { findHolders } from "./holders.ts";
import { ItemCache } from "./item_cache.ts";
import { Notices } from "./notices.ts";
import { decodeRepositoryRecord } from "./record.ts";
import type { TorrentReach } from "./reach/reach.ts";
import type { Notices as NoticesPort } from "../../ports/notices.ts";
import { Resolver } from "./resolver.ts";
import { Bans } from "./swarm/bans.ts";
import type { Swarm } from "./swarm/swarm.ts";

/** How much later a peer is dialled whose stream failed. */
const HEAD_START_MS = 2000;
/** How long manifests of earlier runs are kept on disk. */
const MANIFEST_AGE_MS = 24 * 60 * 60_000;

/** A node of the DHT and of the swarm on one port number. */
export class OpenTorrent implements OpenNetwork {
  readonly scheme = "torrent";
  readonly role = "peer";
  readonly #context: NetworkContext;
  readonly #host: string;
  readonly #dht: Dht;
  readonly #swarm: Swarm;
  readonly #resolver: Resolver;
  readonly #announcer: Announcer;
  readonly #notices: Notices;
  readonly #live: LiveServer;
  readonly #reach: TorrentReach;
  readonly #mapped: Listening["mapped"];
  readonly #pinholes: Listening["pinholes"];
  /** Peers whose live streams failed. */
  readonly #failed = new Bans();

  private constructor(
    context: NetworkContext,
    { dht, swarm, live, reach, mapped, pinholes }: Listening,
    cache: ItemCache,
    manifests: string,
  ) {
    this.#context = context;
    this.#host = context.settings.get("torrent.host");
    this.#dht = dht;
    this.#swarm = swarm;
    this.#live = live;
    this.#reach = reach;
    this.#mapped = mapped;
    this.#pinholes = pinholes;
    const parts = { context, dht, swarm, cache, manifests };
    this.#resolver = new Resolver(parts);
    this.#notices = new Notices(parts);
    this.#announcer = new Announcer(parts, this.#resolver, (target, sequence) => {
      this.#notices.hear(target, sequence);
    });
    let last: string | undefined;
    mapped.tcp.onChange(() => {
      const { outside } = mapped.tcp;
      const before = swarm.announcedPort;
      swarm.outsidePort = outside?.port;
      const hasMoved = outside && last !== undefined && outside.host !== last;
      last = outside?.host ?? last;
      // Nodes of the DHT keep the address that they were told from.
      if (hasMoved || swarm.announcedPort !== before) this.#announcer.announceAgain();
    });
  }

  /**
   * Listens on UDP and TCP and starts to join the DHT.
   *
   * @throws {NetworkError} "port-in-use" where the chosen port is taken
   */
  static async open(context: NetworkContext, wait: Wait): Promise<OpenTorrent> {
    wait.signal.throwIfAborted();
    const manifests = join(context.cache, "manifests");
    await mkdir(manifests, { recursive: true });
    await removeOld(manifests);
    const cache = await ItemCache.open(join(context.cache, "items"));
    return new OpenTorrent(context, await listen(context), cache, manifests);
  }

  endpoints(): readonly string[] {
    return publicEndpoints(this.#host, this.#swarm.port, this.#mapped.tcp.outside);
  }

  readonly records: Records = {
    resolve: (address, wait) => this.#resolver.resolve(address, wait),
    publish: async (manifest, packs, wait) => {
      try {
        await this.#announcer.announce(manifest, packs, wait);
      } finally {
        // Not before: whoever hears of it looks for the record at once.
        this.#notices.tell(manifest.manifest);
      }
    },
    retract: async (manifest) => {
      this.#notices.forget(manifest);
      await this.#announcer.forget(manifest);
    },
  };

  readonly notices: NoticesPort = {
    watch: (manifest, listener) => this.#notices.watch(manifest, listener),
  };

  readonly packs: Packs = {
    searchable: true,
    maxBytes: () => undefined,
    offer: (file) => this.#offer(file),
    fetch: (pack, from, into, wait) => this.#fetch(pack, from, into, wait),
    holders: (manifest, wait) => this.#holders(manifest, wait),
    peers: ({ packs }) =>
      new Set(packs.flatMap(({ infohash }) => this.#swarm.peers(infohash))).size,
  };

  readonly streams: Streams = { dial: (from, wait) => this.#dial(from, wait) };

  readonly health: HealthPort = {
    probe: async (wait) => {
      await this.#dht.ready(wait);
      return this.#health();
    },
    now: () => Promise.resolve(this.#health()),
    reach: () => this.#reach.now(),
    measured: (wait) => this.#reach.measured(wait),
  };

  #offer(file: PackFile): Promise<AsyncDisposable> {
    const { pack, path } = file;
    const pieces = piecesOf(file);
    const seed = this.#swarm.seed({
      infohash: pack.infohash,
      path,
      size: pack.size,
      info: async () => packInfo(pack.sha256, pack.size, await pieces()),
    });
    return Promise.resolve({
      [Symbol.asyncDispose]: () => Promise.resolve(seed[Symbol.dispose]()),
    });
  }

  async #fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void> {
    const { manifest } = from;
    const parts = { dht: this.#dht, swarm: this.#swarm, dropped: this.#context.dropped };
    await fetchFile(parts, {
      what: `pack ${pack.sha256.slice(0, 12)} of ${manifest.name}`,
      infohash: pack.infohash,
      name: torrentName(pack.sha256),
      size: pack.size,
      known: readEndpoints(manifest.endpoints[this.scheme]),
      targets: [recordTarget(manifest)],
      into,
      fromItems: (limit) => this.#packFromItems(pack, from, limit),
      timeoutMs: this.#context.settings.get("network.timeout") * 1000,
    }, wait);
  }

  async #dial(from: SignedManifest, wait: Wait): Promise<LiveStream> {
    const { manifest } = from;
    const search = new AbortController();
    const round = Promise.withResolvers<void>();
    const peers = findPeers(this.#dht, {
      known: readEndpoints(manifest.endpoints[this.scheme]),
      targets: [recordTarget(manifest)],
      signal: AbortSignal.any([wait.signal, search.signal]),
      onRound: () => round.resolve(),
    });
    try {
      return await dialFirst(
        peers,
        (address, signal) => this.#dialInTurn(address, from, signal),
        round.promise,
        wait.signal,
      );
    } finally {
      search.abort();
    }
  }

  #holders(manifest: Manifest, wait: HolderWait): Promise<Holder[]> {
    const serves = (address: Address, signal: AbortSignal) =>
      this.#dialPeer(address, { manifest }, signal)
        .then((stream) => (stream.close(), true), () => false);
    return findHolders({ swarm: this.#swarm, notices: this.#notices, serves }, manifest, wait);
  }

  #health(): Health {
    const { nodes, bootstrap, port } = this.#dht;
    const address = dialable(this.#host, port);
    const alone = nodes === 0;
    return {
      reachable: !alone || bootstrap.length === 0,
      summary: !alone
        ? `in touch with ${counted(nodes, "node")} of the DHT`
        : bootstrap.length === 0
        ? `first node of a new DHT: others join with torrent.bootstrap ${address}`
        : `no node of the DHT answers: check UDP and torrent.bootstrap (${bootstrap.join(", ")})`,
      details: { dht: address, nodes, listen: dialable(this.#host, this.#swarm.port) },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reach[Symbol.dispose]();
    this.#notices[Symbol.dispose]();
    this.#live.close();
    const { tcp, udp } = this.#mapped;
    const unmapped = [tcp, udp, ...this.#pinholes].map((mapping) => mapping[Symbol.asyncDispose]());
    await this.#announcer[Symbol.asyncDispose]();
    await Promise.all(unmapped);
    await this.#swarm[Symbol.asyncDispose]();
    await this.#dht[Symbol.asyncDispose]();
  }

  /** A peer whose stream failed lately may be the only one there is; others get a head start. */
  async #dialInTurn(
    address: Address,
    from: SignedManifest,
    signal: AbortSignal,
  ): Promise<LiveStream> {
    const { host, port } = address;
    if (this.#failed.has(host, port)) await sleep(HEAD_START_MS, signal);
    const stream = await this.#dialPeer(address, from, signal);
    return {
      ...stream,
      close: (failed) => {
        if (failed) this.#failed.add(host, port);
        stream.close();
      },
    };
  }

  #dialPeer(
    address: Address,
    from: Pick<SignedManifest, "manifest">,
    signal: AbortSignal,
  ): Promise<LiveStream> {
    const { dropped, openManifest, settings } = this.#context;
    if (!mayDial(address.host, settings.get("torrent.bootstrap"))) {
      dropped("inside-address");
      const why = `can't dial ${address.host}: it is not a peer's`;
      return Promise.reject(new NetworkError("inside-address", why));
    }
    const patienceMs = settings.get("network.timeout") * 1000;
    return dialPeer(address, { from, signal, patienceMs, openManifest, dropped });
  }

  async #packFromItems(pack: PackRef, from: SignedManifest, wait: Wait): Promise<Uint8Array> {
    const item = await this.#resolver.recordOf(from.manifest, wait);
    const target = item && decodeRepositoryRecord(item.value).packs;
    const index = target && await this.#dht.getImmutable(Buffer.from(target), wait);
    const { packs } = from.manifest;
    const root = index &&
      decodePackIndex(index).packs[packs.findIndex(({ sha256 }) => sha256 === pack.sha256)];
    if (!root) throw new NetworkError("nobody-answered", "the pack is not in the DHT");
    const content = await readItemTree(this.#dht, root, pack.size, wait);
    if (createHash("sha256").update(content).digest("hex") !== pack.sha256) {
      throw new VerificationError("wrong-pack", "the pack in the DHT has another SHA-256");
    }
    return content;
  }
}

/** What all who have a repository announce themselves under. */
function recordTarget({ publisher, name }: Manifest): Buffer {
  return mutableTarget({ publicKey: Buffer.from(publisher, "hex"), salt: Buffer.from(name) });
}

/** Announcing writes again what is needed; another process may be using what is recent. */
async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const status = await stat(path).catch(() => undefined); // another process may have removed it
    if (status && Date.now() - status.mtimeMs > MANIFEST_AGE_MS) await rm(path, { force: true });
  }
}
