/**
 * What a person is told of this node's place in the network.
 *
 * @module
 */
import { counted } from "../../common/counted.ts";
import type { Health } from "../../ports/health.ts";
import type { HyperNode } from "./node.ts";
import type { RelayServer } from "./relay_server.ts";

/** @param connections of peers that are served */
export function healthOf(
  node: HyperNode,
  relay: RelayServer | undefined,
  connections: number,
): Health {
  const { key, size, first, neighbours, relays, relayed } = node;
  const parts = [placeOf(node)];
  if (relays > 0) parts.push(`relays helped with ${counted(relayed, "connection")}`);
  if (relay) parts.push(`relays for others, now ${counted(relay.pairs, "pair")}, as ${relay.key}`);
  return {
    reachable: (neighbours ?? size) > 0,
    summary: parts.join("; "),
    details: {
      key,
      nodes: size,
      ...(neighbours === undefined ? {} : { neighbours }),
      connections,
      ...(relays > 0 ? { relays } : {}),
      ...(relayed > 0 ? { relayed } : {}),
      ...(relay ? { relay: relay.key, relayPairs: relay.pairs } : {}),
      ...(first === undefined ? {} : { dht: first }),
    },
  };
}

function placeOf({ size, first, neighbours }: HyperNode): string {
  if (neighbours) return `no node of HyperDHT answers; ${neighbours} gtd in the local network`;
  if (size === 0 || neighbours === 0) {
    return "no node of HyperDHT answers: check UDP and holepunch.bootstrap";
  }
  return first === undefined
    ? `in touch with ${counted(size, "node")} of HyperDHT`
    : `a new HyperDHT begins here: others join with holepunch.bootstrap ${first}`;
}
