/**
 * What routers say of their own accord: that they have restarted, or go (RFC 6886, section 3.2.1;
 * RFC 6887, 14.1; UPnP Device Architecture 1.1, 1.2). Anybody in the network can say that in their
 * name, so all that comes of it is that the router is asked again.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Epoch } from "./epoch.ts";
import { withoutScope } from "./exchange.ts";
import * as natPmp from "./nat_pmp.ts";
import * as pcp from "./pcp.ts";
import { decodeSsdp } from "./ssdp.ts";

/** Where they say it, and who may. */
export interface AnnouncementOptions {
  /** UDP port of clients: 5350 of PCP and NAT-PMP, 1900 of SSDP. */
  readonly port: number;
  /** The group to join. */
  readonly group: string;
  readonly own: string;
  readonly router: string;
  /** Whether the message says that the router may have forgotten what it had mapped. */
  readonly isRestart: (message: Uint8Array) => boolean;
  readonly restarted: () => void;
}

/** Listens until disposed; not at all if another program keeps the port to itself. */
export function hearRouter(options: AnnouncementOptions): Disposable {
  const { port, group, own, router, isRestart, restarted } = options;
  const type = isIPv6(own) ? "udp6" : "udp4";
  let socket: Socket | undefined = createSocket({ type, reuseAddr: true, ipv6Only: true });
  const close = () => {
    socket?.close();
    socket = undefined;
  };
  socket.on("error", close);
  socket.on("message", (message, { address }) => {
    if (withoutScope(address) === withoutScope(router) && isRestart(message)) restarted();
  });
  if (type === "udp6") {
    socket.bind(port, "::"); // every host is in the group of all hosts (RFC 4291, section 2.8)
    return { [Symbol.dispose]: close };
  }
  // What is sent to the group and nothing else; Windows can't bind to that.
  socket.bind(port, Deno.build.os === "windows" ? "0.0.0.0" : group, () => {
    try {
      socket?.addMembership(group, own);
    } catch {
      // what is sent to all hosts comes anyway
    }
  });
  return { [Symbol.dispose]: close };
}

/** Of PCP and NAT-PMP: by the router's clock, or its new address outside. */
export function gatewayRestart(
  epoch: Epoch,
  outside: () => string | undefined,
): (message: Uint8Array) => boolean {
  return (message) => {
    const answer = natPmp.decodeAnswer(message) ?? pcp.decodeAnswer(message);
    if (answer?.kind !== "address" && answer?.kind !== "announced") return false;
    if (epoch.isRestart(answer.epoch)) return true;
    const host = outside();
    return answer.kind === "address" && host !== undefined && answer.host !== host;
  };
}

/** Of UPnP: it goes, or counts its restarts. */
export function upnpRestart(): (message: Uint8Array) => boolean {
  let boot: string | undefined;
  return (message) => {
    const said = decodeSsdp(message);
    if (said?.kind === "byebye") return true;
    if (said?.kind !== "alive" || said.boot === undefined) return false;
    const isOther = boot !== undefined && boot !== said.boot;
    boot = said.boot;
    return isOther;
  };
}
