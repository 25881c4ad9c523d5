/**
 * A router that is found by SSDP and maps ports by calls over HTTP (UPnP-IGD).
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { isIPv4 } from "node:net";
import { NetworkError } from "../../../common/errors.ts";
import { reachOf } from "../../../common/reach.ts";
import { deadline } from "../../../common/wait.ts";
import { plainHttp } from "./plain_http.ts";
import {
  isOutsideAddress,
  type Mapped,
  refused,
  type Router,
  type RouterEvents,
  type Wish,
} from "./router.ts";
import { decodeSsdp, encodeSearch, locationOf, TARGETS } from "./ssdp.ts";
import { decodeCallAnswer, encodeCall, readDescription, type Service } from "./upnp_messages.ts";

/** What a person sees in the router's list. */
const DESCRIPTION = "gtr";
/** A packet may be lost: it is sent again after this time. */
const AGAIN_MS = 500;
/** Answers that are looked at. */
const MAX_ANSWERS = 64;
/** Devices that are asked for their description. */
const MAX_DEVICES = 4;

/** WANIPConnection:2, section 2.5, and its errors. */
const CONFLICTS: readonly number[] = [718, 729];
const SAME_PORT_ONLY = 724;
const PERMANENT_ONLY = 725;
const REFUSALS: Readonly<Record<number, string>> = {
  401: "the router maps no ports",
  501: "the router could not do it",
  606: "the router doesn't allow it",
  718: "the port is mapped to another computer",
  728: "the router has no port left",
};

/** Where routers are looked for, and from where. */
export interface Search {
  /** 239.255.255.250:1900. */
  readonly group: { readonly host: string; readonly port: number };
  readonly own: string;
  readonly searchMs: number;
  /** Only these may answer; undefined if they aren't known: then anybody in a private network. */
  readonly gateways: readonly string[] | undefined;
}

/**
 * The first router that answers, has an address outside and maps ports.
 *
 * @throws {NetworkError} "no-port-mapping"
 */
export async function findUpnpRouter(
  search: Search,
  events: RouterEvents,
  signal: AbortSignal,
): Promise<UpnpRouter> {
  const why: string[] = [];
  for await (const location of locations(search, events, signal)) {
    try {
      return await UpnpRouter.open(location, search.own, events, signal);
    } catch (error) {
      signal.throwIfAborted();
      why.push((error as Error).message);
    }
  }
  throw why.length > 0
    ? new NetworkError("no-port-mapping", why[0]!)
    : refused("UPnP", "no router answers");
}

/** Descriptions that routers tell of, as they answer. */
async function* locations(
  { group, own, searchMs, gateways }: Search,
  { dropped }: RouterEvents,
  signal: AbortSignal,
): AsyncGenerator<URL> {
  using limit = deadline(searchMs, "routers", signal);
  const socket = createSocket("udp4");
  const found = new Map<string, URL>();
  let answers = 0;
  let wake = Promise.withResolvers<void>();
  socket.on("error", () => wake.resolve());
  socket.on("message", (message, { address }) => {
    const mayAnswer = gateways ? gateways.includes(address) : reachOf(address) === "private";
    if (!mayAnswer) return dropped("strangers-router-answer");
    if (++answers > MAX_ANSWERS || found.size >= MAX_DEVICES) return dropped("router-flood");
    const answer = decodeSsdp(message);
    const location = answer?.kind === "answer" ? locationOf(answer, address) : undefined;
    if (!location) return dropped("bad-router-answer");
    found.set(location.href, location);
    wake.resolve();
  });
  const send = () => {
    for (const host of new Set([group.host, ...gateways ?? []])) {
      for (const target of TARGETS) {
        socket.send(encodeSearch(host, group.port, target), group.port, host, () => {});
      }
    }
  };
  limit.signal.addEventListener("abort", () => wake.resolve(), { once: true });
  let again: ReturnType<typeof setTimeout> | undefined;
  try {
    socket.bind(0, own, () => {
      send();
      again = setTimeout(send, AGAIN_MS);
    });
    for (const told = new Set<string>();;) {
      for (const [href, location] of found) {
        if (told.has(href)) continue;
        told.add(href);
        yield location;
      }
      if (limit.signal.aborted) return;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    clearTimeout(again);
    socket.close();
  }
}

/** A service of a router that maps ports. */
export class UpnpRouter implements Router {
  readonly by = "UPnP";
  readonly address: string;
  readonly #service: Service;
  readonly #own: string;
  readonly #events: RouterEvents;

  private constructor(service: Service, own: string, events: RouterEvents) {
    this.#service = service;
    this.#own = own;
    this.#events = events;
    this.address = service.control.hostname;
  }

  /**
   * Reads a router's description, and takes the service that is connected.
   *
   * @throws {NetworkError} "no-port-mapping", and those of {@linkcode plainHttp}
   */
  static async open(
    location: URL,
    own: string,
    events: RouterEvents,
    signal: AbortSignal,
  ): Promise<UpnpRouter> {
    const { status, text } = await plainHttp({ url: location, from: own }, signal);
    const services = status === 200 ? readDescription(text, location) : undefined;
    if (!services) {
      events.dropped("bad-router-answer");
      throw refused("UPnP", "the router's description can't be read");
    }
    let why = refused("UPnP", "the router maps no ports");
    for (const service of services) {
      const router = new UpnpRouter(service, own, events);
      try {
        await router.#outsideAddress(signal);
        return router;
      } catch (error) {
        signal.throwIfAborted();
        why = error as NetworkError;
      }
    }
    throw why;
  }

  async map(wish: Wish, signal: AbortSignal): Promise<Mapped> {
    const host = await this.#outsideAddress(signal);
    let why: NetworkError | undefined;
    for (const port of wish.outside) {
      if (await this.#owner(wish, port, signal) === "other") {
        why = refused(this.by, REFUSALS[718]!);
        continue;
      }
      let seconds: number | undefined = wish.seconds;
      let answer = await this.#add(wish, port, seconds, signal);
      if (answer === PERMANENT_ONLY) {
        seconds = undefined;
        answer = await this.#add(wish, port, 0, signal);
      }
      if (answer === 0) return { host, port, seconds };
      why = this.#refused(answer);
      if (!CONFLICTS.includes(answer) && answer !== SAME_PORT_ONLY) break;
    }
    throw why ?? refused(this.by, "no port to ask for");
  }

  async unmap(wish: Wish, mapped: Mapped | undefined, signal: AbortSignal): Promise<void> {
    // Without knowing what came of it, another's must not be taken away.
    const port = mapped?.port ?? await this.#ownPort(wish, signal);
    if (port === undefined) return;
    await this.#call("DeletePortMapping", {
      NewRemoteHost: "",
      NewExternalPort: port,
      NewProtocol: wish.protocol.toUpperCase(),
    }, signal);
  }

  async #ownPort(wish: Wish, signal: AbortSignal): Promise<number | undefined> {
    for (const port of wish.outside) {
      if (await this.#owner(wish, port, signal) === "own") return port;
    }
    return undefined;
  }

  /** Whose a port is: some routers would hand another's over. Undefined if it is free, as far as is told. */
  async #owner(
    { protocol, inside }: Wish,
    port: number,
    signal: AbortSignal,
  ): Promise<"own" | "other" | undefined> {
    const answer = await this.#call("GetSpecificPortMappingEntry", {
      NewRemoteHost: "",
      NewExternalPort: port,
      NewProtocol: protocol.toUpperCase(),
    }, signal);
    if ("error" in answer) return undefined; // there is none (714), or the router doesn't tell
    const client = answer.values.get("NewInternalClient");
    if (!client) return undefined;
    const isOwn = client === this.#own &&
      answer.values.get("NewInternalPort") === String(inside);
    return isOwn ? "own" : "other";
  }

  /** Returns 0, or the error of the router. */
  async #add(
    { protocol, inside }: Wish,
    port: number,
    seconds: number,
    signal: AbortSignal,
  ): Promise<number> {
    const answer = await this.#call("AddPortMapping", {
      NewRemoteHost: "",
      NewExternalPort: port,
      NewProtocol: protocol.toUpperCase(),
      NewInternalPort: inside,
      NewInternalClient: this.#own,
      NewEnabled: 1,
      NewPortMappingDescription: DESCRIPTION,
      NewLeaseDuration: seconds,
    }, signal);
    return "error" in answer ? answer.error : 0;
  }

  async #outsideAddress(signal: AbortSignal): Promise<string> {
    const answer = await this.#call("GetExternalIPAddress", {}, signal);
    if ("error" in answer) throw this.#refused(answer.error);
    const host = answer.values.get("NewExternalIPAddress") ?? "";
    if (isIPv4(host) && isOutsideAddress(host)) return host;
    if (host !== "" && host !== "0.0.0.0") this.#events.dropped("bad-router-answer");
    throw refused(this.by, "the router has no address outside");
  }

  async #call(
    action: string,
    values: Readonly<Record<string, string | number>>,
    signal: AbortSignal,
  ) {
    const { type, control } = this.#service;
    const { status, text } = await plainHttp({
      url: control,
      from: this.#own,
      headers: { "content-type": 'text/xml; charset="utf-8"', soapaction: `"${type}#${action}"` },
      body: encodeCall(type, action, values),
    }, signal);
    const answer = status === 200 || status === 500 ? decodeCallAnswer(text, action) : undefined;
    if (answer) return answer;
    this.#events.dropped("bad-router-answer");
    throw refused(this.by, `the router's answer to ${action} can't be read`);
  }

  #refused(error: number): NetworkError {
    return refused(this.by, REFUSALS[error] ?? `error ${error} of the router`);
  }
}
