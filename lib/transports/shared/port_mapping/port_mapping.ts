/**
 * What a port is mapped for, and what becomes of it.
 *
 * @module
 */
import type { NetworkContext } from "../../../ports/network.ts";

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
  NetworkContext,
  "settings" | "key" | "gateways" | "log" | "dropped"
>;
