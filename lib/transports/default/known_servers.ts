/**
 * Which servers may have a repository.
 *
 * @module
 */
import { mayDial, nearestOf, type Reach } from "../../common/reach.ts";
import { deadline } from "../../common/wait.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { NetworkContext } from "../../ports/network.ts";
import { bodyOf, get, refused } from "./client.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { readManifest } from "./read_manifest.ts";

/** Of a stranger's manifest no more servers are tried. */
export const MAX_ENDPOINTS = 8;

/** The servers of addresses, manifests and settings, and what they are known to have. */
export class KnownServers {
  /** This node's own, which it never asks. */
  own: string | undefined;
  readonly #context: NetworkContext;
  readonly #nearest: Reach;
  /** The user's. */
  readonly #chosen: readonly Endpoint[];
  /** "<id>/<name>" -> the servers that had its manifest. */
  readonly #found = new Map<string, Map<string, Endpoint>>();

  constructor(context: NetworkContext) {
    this.#context = context;
    this.#nearest = nearestServers(context);
    this.#chosen = (context.settings.get("default.servers") ?? [])
      .map(parseEndpoint).filter((server) => server !== undefined);
  }

  /**
   * Who is asked for what is at an address: the server that it names, even where that is this node.
   *
   * @param known endpoints of the publication that is here already
   */
  ofAddress({ host }: Pick<RepoAddress, "host">, known?: readonly string[]): Endpoint[] {
    const named = host === undefined ? undefined : parseEndpoint(host);
    return distinct([
      ...(named ? [named] : []),
      ...this.#others(this.#named(known)),
      ...this.#chosen,
    ]);
  }

  /** Who may have a publication, without looking who had it. */
  ofManifest({ endpoints }: Manifest): Endpoint[] {
    return this.#others(distinct([...this.#named(endpoints.default), ...this.#chosen]));
  }

  /** The same: those that had its manifest first. */
  having(manifest: Manifest): Endpoint[] {
    const id = publisherId(Uint8Array.fromHex(manifest.publisher));
    return this.#others(distinct([
      ...this.#found.get(`${id}/${manifest.name}`)?.values() ?? [],
      ...this.#named(manifest.endpoints.default),
      ...this.#chosen,
    ]));
  }

  /** The server's manifest of the repository, verified; undefined where it has none. */
  async ask(
    server: Endpoint,
    address: RepoAddress,
    signal: AbortSignal,
  ): Promise<SignedManifest | undefined> {
    using limit = deadline(
      this.#context.settings.get("network.timeout") * 1000,
      `${formatEndpoint(server)} to answer about ${formatAddress(address)}`,
      signal,
    );
    const { id, publicKey, name } = address;
    const path = `/${id}/${name}/manifest`;
    const reply = await get({ server, publisher: id, path }, limit.signal);
    if (reply.statusCode === 404) return void reply.destroy();
    if (reply.statusCode !== 200) throw refused(reply);
    const body = bodyOf(reply, server, limit.signal);
    const expect = { id, publicKey, name };
    const signed = await readManifest(body, expect, this.#context.openManifest);
    const key = `${id}/${name}`;
    const found = this.#found.get(key) ?? new Map<string, Endpoint>();
    this.#found.set(key, found.set(formatEndpoint(server), server));
    return signed;
  }

  #others(servers: readonly Endpoint[]): Endpoint[] {
    return servers.filter((server) => formatEndpoint(server) !== this.own);
  }

  /** The endpoints of a stranger's manifest that can be asked. */
  #named(endpoints: readonly string[] = []): Endpoint[] {
    const nearest = this.#nearest;
    return endpoints.slice(0, MAX_ENDPOINTS).flatMap((text) => {
      const server = parseEndpoint(text);
      if (!server) return [];
      if (mayDial(server.host, nearest)) return [{ ...server, nearest }];
      this.#context.dropped("inside-address");
      return [];
    });
  }
}

/** The nearest that strangers may name: who listens on loopback, or in a home, meets others there. */
function nearestServers({ settings }: NetworkContext): Reach {
  const servers = [settings.get("default.listen"), settings.get("default.address")]
    .flatMap((text) => parseEndpoint(text)?.host ?? []);
  return nearestOf([...servers, settings.get("torrent.host"), settings.get("holepunch.host")]);
}

function distinct(servers: readonly Endpoint[]): Endpoint[] {
  const byPlace = new Map<string, Endpoint>();
  for (const server of servers) {
    const place = formatEndpoint(server);
    const before = byPlace.get(place) ?? server;
    byPlace.set(place, {
      ...before,
      operator: before.operator ?? server.operator,
      nearest: before.nearest && server.nearest, // who trusts it may well name it as strangers do
    });
  }
  return [...byPlace.values()];
}
