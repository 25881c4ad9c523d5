/**
 * Ports that the router of a home maps to this node, by PCP (RFC 6887), NAT-PMP (RFC 6886) or
 * UPnP-IGD, so that others can connect from outside.
 *
 *     await using mapping = mapPort({ protocol: "tcp", port: 6881, host: "0.0.0.0" }, context);
 *     using _ = mapping.onChange(() => console.log(mapping.outside ?? mapping.problem));
 *
 * @module
 */
import type { Outside, PortMapping, PortMappingContext, PortRequest } from "./port_mapping.ts";

export type {
  MappedBy,
  Outside,
  PortMapping,
  PortMappingContext,
  PortRequest,
} from "./port_mapping.ts";

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
