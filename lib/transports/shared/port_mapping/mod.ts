/**
 * Ports that the router of a home maps to this node, by PCP (RFC 6887), NAT-PMP (RFC 6886) or
 * UPnP-IGD, so that others can connect from outside.
 *
 *     await using mapping = mapPort({ protocol: "tcp", port: 6881, host: "0.0.0.0" }, context);
 *     using _ = mapping.onChange(() => console.log(mapping.outside ?? mapping.problem));
 *
 * @module
 */
import type { TransportContext } from "../../transport.ts";

/** How the router was asked. */
export type MappedBy = "PCP" | "NAT-PMP" | "UPnP";

/** Where others reach a port that is open here. */
export interface Outside {
  /** The router's address. Not public if another router is outside of it. */
  readonly host: string;
  readonly port: number;
  readonly by: MappedBy;
}

/** What is to be mapped. */
export interface PortRequest {
  readonly protocol: "tcp" | "udp";
  /** The port that is open here; the router is asked for the same one outside. */
  readonly port: number;
  /** The address that it is open on, which may be `0.0.0.0` or `::`. */
  readonly host: string;
}

/** A port for as long as it is wanted. Disposing it has the router forget it, within a second. */
export interface PortMapping extends AsyncDisposable {
  /** Undefined as long as no router has mapped it. */
  readonly outside: Outside | undefined;
  /**
   * What keeps others from connecting through the router, for a person; undefined if nothing does, or
   * nothing is known yet. It can be set beside {@linkcode outside}: another router may be outside.
   */
  readonly problem: string | undefined;
  /** Calls back after each change of the two, until disposed. */
  onChange(listener: () => void): Disposable;
}

/** What a mapping needs of the network that it is for. */
export type PortMappingContext = Pick<
  TransportContext,
  "settings" | "key" | "gateways" | "log" | "dropped"
>;

/**
 * Has the router map a port, renews that, and does it again after a change of networks or a restart
 * of the router. Returns at once: all of it is in the background, what does it is loaded then, and
 * nothing is done if `network.portMapping` is off or the port is open on loopback only.
 */
export function mapPort(request: PortRequest, context: PortMappingContext): PortMapping {
  return new LazyMapping(
    async () => (await import("./open_mapping.ts")).openMapping(request, context),
    context,
  );
}

/** Public IPv6 addresses of this computer to which connections are let through, at most. */
const PINHOLES = 2;

/**
 * Has the router's firewall let connections over IPv6 through to the port, by PCP (RFC 6887, section
 * 11), as {@linkcode mapPort} has it map the port for IPv4: one for each address, which translates
 * nothing.
 */
export function openPinholes(
  request: PortRequest,
  context: PortMappingContext,
): readonly PortMapping[] {
  return Array.from({ length: PINHOLES }, (_, n) =>
    new LazyMapping(
      async () => (await import("./open_mapping.ts")).openPinhole(request, n, context),
      context,
    ));
}

/** Is what it loads. */
class LazyMapping implements PortMapping {
  readonly #listeners = new Set<() => void>();
  readonly #opening: Promise<PortMapping | undefined>;
  #opened: PortMapping | undefined;

  constructor(open: () => Promise<PortMapping | undefined>, context: PortMappingContext) {
    const isOff = !context.gateways || !context.settings.get("network.portMapping");
    this.#opening = isOff ? Promise.resolve(undefined) : this.#open(open);
    this.#opening.catch((error) => context.log(`can't map ports: ${error.message}`));
  }

  get outside(): Outside | undefined {
    return this.#opened?.outside;
  }

  get problem(): string | undefined {
    return this.#opened?.problem;
  }

  onChange(listener: () => void): Disposable {
    const own = () => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opening.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }

  async #open(open: () => Promise<PortMapping | undefined>) {
    const opened = await open();
    this.#opened = opened;
    this.#opened?.onChange(() => [...this.#listeners].forEach((listener) => listener()));
    return this.#opened;
  }
}
