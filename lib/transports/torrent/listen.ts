/**
 * Opening the port of the DHT and the swarm.
 *
 * @module
 */
import { NetworkError } from "../../common/errors.ts";
import { liveLimits } from "../shared/live_limits.ts";
import { mapPort, openPinholes, type PortMapping } from "../shared/port_mapping/mod.ts";
import type { NetworkContext } from "../../ports/network.ts";
import { mayDial, publicIpv6 } from "./addresses.ts";
import { Dht } from "./dht/dht.ts";
import { KnownNodes } from "./dht/endpoints.ts";
import { LiveServer } from "./live/server.ts";
import { TorrentReach } from "./reach/reach.ts";
import { Swarm } from "./swarm/swarm.ts";

/** How many free port numbers are tried until one is free for UDP and TCP. */
const PORT_ATTEMPTS = 20;
/** How long a live peer may take until it has said what it wants. */
const GREETING_MS = 10_000;

/** What listens. */
export interface Listening {
  readonly dht: Dht;
  readonly swarm: Swarm;
  readonly live: LiveServer;
  readonly reach: TorrentReach;
  /** The ports of the two, as the router maps them. */
  readonly mapped: { readonly tcp: PortMapping; readonly udp: PortMapping };
  /** The same for IPv6, by address and port. */
  readonly pinholes: readonly PortMapping[];
}

/**
 * Opens both sockets on one number: the last one, the one that was set, or any that is free for both.
 *
 * @throws {NetworkError} "port-in-use" where the chosen port is taken
 */
export async function listen(context: NetworkContext): Promise<Listening> {
  const { settings, dropped, log } = context;
  const live = new LiveServer({
    identity: context.key,
    answer: context.live,
    limits: liveLimits(settings),
    patienceMs: GREETING_MS,
    dropped,
    log,
  });
  const reach = new TorrentReach(context);
  const host = settings.get("torrent.host");
  const chosen = settings.get("torrent.port");
  const bootstrap = settings.get("torrent.bootstrap");
  const known = new KnownNodes(context.cache, bootstrap);
  const last = chosen === 0 ? (await known.load()).port : chosen;
  for (let attempt = 0;; attempt++) {
    let swarm: Swarm | undefined;
    try {
      swarm = await Swarm.open({
        host,
        ipv6: () => publicIpv6(host),
        port: attempt === 0 ? last : chosen,
        maxConnections: settings.get("torrent.maxConnections"),
        uploadSlots: settings.get("torrent.uploadSlots"),
        uploadRate: settings.get("torrent.uploadRate"),
        secure: (socket) => live.accept(socket),
        seen: (from, yourip) => reach.seen(from, yourip),
        arrived: (address) => reach.arrived(address),
        mayDial: (address) => mayDial(address, bootstrap),
        dropped,
        log,
      });
      const dht = await Dht.open({
        host,
        port: swarm.port,
        bootstrap,
        known,
        dropped,
        answered: reach.answered,
        mayDial: (address) => mayDial(address, bootstrap),
      });
      const tcp = mapPort({ protocol: "tcp", port: swarm.port, host }, context);
      const udp = mapPort({ protocol: "udp", port: dht.port, host }, context);
      const pinholes = openPinholes({ protocol: "tcp", port: swarm.port, host }, context);
      const pinholesUdp = openPinholes({ protocol: "udp", port: dht.port, host }, context);
      reach.begin({ dht, mapping: tcp, pinholes });
      const all = [...pinholes, ...pinholesUdp];
      return { dht, swarm, live, reach, mapped: { tcp, udp }, pinholes: all };
    } catch (error) {
      await swarm?.[Symbol.asyncDispose]();
      const inUse = error instanceof NetworkError && error.code === "port-in-use";
      if (!inUse || chosen !== 0 || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
