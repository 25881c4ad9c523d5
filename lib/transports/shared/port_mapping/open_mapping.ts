/**
 * Mappings of this process: those for one address share what is known of the router.
 *
 * @module
 */
import { deadline } from "../../../common/wait.ts";
import { Mapping } from "./mapping.ts";
import type { PortMapping, PortMappingContext, PortRequest } from "./mod.ts";
import { PortMapper } from "./port_mapper.ts";
import { mayNeedRouter, ownAddresses, surroundings } from "./surroundings.ts";

/** How long the system may take to name its gateways. */
const GATEWAYS_MS = 5000;

interface Shared {
  readonly mapper: PortMapper;
  users: number;
}

/** By the address that is listened on. */
const mappers = new Map<string, Shared>();

/** Undefined if others never need a router to get at the address. */
export function openMapping(
  request: PortRequest,
  context: PortMappingContext,
): PortMapping | undefined {
  const { host } = request;
  if (!mayNeedRouter(host)) return undefined;
  const own = host === "::" ? "0.0.0.0" : host;
  const shared = mappers.get(own) ?? { mapper: openMapper(own, context), users: 0 };
  mappers.set(own, shared);
  shared.users++;
  const secret = context.key.derive("port-mapping-v1", 32);
  return new Mapping(request, shared.mapper, secret, context.log, () => {
    if (--shared.users > 0) return;
    shared.mapper[Symbol.dispose]();
    mappers.delete(own);
  });
}

function openMapper(host: string, { gateways, dropped }: PortMappingContext): PortMapper {
  return new PortMapper({
    dropped,
    addresses: () => JSON.stringify(ownAddresses()),
    look: async (signal) => {
      using limit = deadline(GATEWAYS_MS, "the system's routes", signal);
      const known = await gateways?.(limit.signal).catch(() => undefined);
      signal.throwIfAborted();
      return surroundings(host, known);
    },
  });
}
