/**
 * What the three protocols have in common.
 *
 * @module
 */
import { isIPv4 } from "node:net";
import { NetworkError } from "../../../common/errors.ts";
import { reachOf } from "../../../common/reach.ts";
import type { MappedBy } from "./port_mapping.ts";

/** What a router is asked for. */
export interface Wish {
  readonly protocol: "tcp" | "udp";
  readonly inside: number;
  /** Outside ports, the best first. Only UPnP needs more than one: the others choose by themselves. */
  readonly outside: readonly number[];
  /** How long it shall last unless it is asked for again. */
  readonly seconds: number;
  /** 12 bytes by which PCP knows who may change a mapping: always the same for the same port here. */
  readonly nonce: Uint8Array;
}

/** What a router has mapped. */
export interface Mapped {
  readonly host: string;
  readonly port: number;
  /** How long it lasts; undefined: until it is removed. */
  readonly seconds: number | undefined;
}

/** One router, asked by one protocol. Everything it answers is checked before it gets out of here. */
export interface Router {
  readonly by: MappedBy;
  readonly address: string;
  /**
   * Maps a port, or makes that last longer.
   *
   * @throws {NetworkError} "no-port-mapping" if the router refuses, "timed-out" if it doesn't answer
   */
  map(wish: Wish, signal: AbortSignal): Promise<Mapped>;
  /** Has it forget what {@linkcode map} made of the same wish. */
  unmap(wish: Wish, mapped: Mapped | undefined, signal: AbortSignal): Promise<void>;
}

/** Tells of the router what every protocol may. */
export interface RouterEvents {
  /** Counts an answer that was not believed. */
  readonly dropped: (reason: string) => void;
  /** It has restarted since it was asked last, and so forgotten what it had mapped. */
  readonly restarted: () => void;
}

/** The error for a router that can't, or doesn't want to. */
export function refused(by: MappedBy, why: string): NetworkError {
  return new NetworkError("no-port-mapping", `${by}: ${why}`);
}

/** Whether a router's address outside can be one: not loopback, multicast, or none. */
export function isOutsideAddress(host: string): boolean {
  return isIPv4(host) && reachOf(host) !== "machine";
}

/** Whether it is a number of a port. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 65_535;
}
