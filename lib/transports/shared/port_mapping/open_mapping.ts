/**
 * Mappings of this process: those for one address share what is known of the router.
 *
 * @module
 */
import { deadline } from "../../../common/wait.ts";
import { Mapping } from "./mapping.ts";
import type { PortMapping, PortMappingContext, PortRequest } from "./port_mapping.ts";
import { PortMapper, type PortMapperOptions } from "./port_mapper.ts";
import {
  mayNeedPinhole,
  mayNeedRouter,
  ownAddresses,
  ownAddresses6,
  surroundings,
  surroundings6,
} from "./surroundings.ts";

/** How long the system may take to name its gateways. */
const GATEWAYS_MS = 5000;

interface Shared {
  readonly mapper: PortMapper;
  users: number;
}

/** By the address that is listened on; for IPv6 also by which of the computer's addresses it is for. */
const mappers = new Map<string, Shared>();

/** Undefined if others never need a router to get at the address. */
export function openMapping(
  request: PortRequest,
  context: PortMappingContext,
): PortMapping | undefined {
  const { host } = request;
  if (!mayNeedRouter(host)) return undefined;
  const own = host === "::" ? "0.0.0.0" : host;
  return openWith(own, request, context, {
    addresses: () => JSON.stringify(ownAddresses()),
    look: async (signal) => surroundings(own, await routers(4, context, signal)),
  });
}

/** Undefined if it is open on no IPv6 address that others could connect to. */
export function openPinhole(
  request: PortRequest,
  n: number,
  context: PortMappingContext,
): PortMapping | undefined {
  const { host } = request;
  if (!mayNeedPinhole(host)) return undefined;
  return openWith(`${host}/${n}`, request, context, {
    addresses: () => JSON.stringify(ownAddresses6()),
    look: async (signal) => surroundings6(host, n, await routers(6, context, signal) ?? []),
  });
}

/** The mapper that is known by `key`, or a new one. */
function openWith(
  key: string,
  request: PortRequest,
  { key: identity, dropped, log }: PortMappingContext,
  place: Pick<PortMapperOptions, "addresses" | "look">,
): PortMapping {
  const shared = mappers.get(key) ?? { mapper: new PortMapper({ dropped, ...place }), users: 0 };
  mappers.set(key, shared);
  shared.users++;
  const secret = identity.derive("port-mapping-v1", 32);
  return new Mapping(request, shared.mapper, secret, log, () => {
    if (--shared.users > 0) return;
    shared.mapper[Symbol.dispose]();
    mappers.delete(key);
  });
}

/** The default gateways of a family; undefined if the system doesn't tell. */
async function routers(
  family: 4 | 6,
  { gateways }: PortMappingContext,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  using limit = deadline(GATEWAYS_MS, "the system's routes", signal);
  const known = await gateways?.(limit.signal).catch(() => undefined);
  signal.throwIfAborted();
  return known?.filter((gateway) => gateway.includes(":") === (family === 6));
}
