/**
 * The default gateway, asked by PCP or by NAT-PMP.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import { Epoch } from "./epoch.ts";
import { exchange } from "./exchange.ts";
import * as natPmp from "./nat_pmp.ts";
import * as pcp from "./pcp.ts";
import {
  isOutsideAddress,
  isPort,
  type Mapped,
  refused,
  type Router,
  type RouterEvents,
  type Wish,
} from "./router.ts";

/** Where a gateway is asked, and from where. */
export interface Gateway {
  readonly address: string;
  /** 5351 (RFC 6886, RFC 6887). */
  readonly port: number;
  /** This computer's address in its network. */
  readonly own: string;
  /** How long each attempt waits for an answer, in milliseconds. */
  readonly triesMs: readonly number[];
}

/** A gateway's clock is the same in both protocols. */
abstract class GatewayRouter {
  readonly epoch = new Epoch();
  readonly address: string;
  protected readonly gateway: Gateway;
  protected readonly events: RouterEvents;

  constructor(gateway: Gateway, events: RouterEvents) {
    this.gateway = gateway;
    this.events = events;
    this.address = gateway.address;
  }

  /** Asks until there is an answer that `read` accepts. */
  protected async ask<A extends { readonly epoch: number }>(
    message: Uint8Array,
    read: (answer: Uint8Array) => A | undefined,
    signal: AbortSignal,
  ): Promise<A> {
    const { address, port, own, triesMs } = this.gateway;
    const to = { host: address, port };
    const { dropped } = this.events;
    const answer = await exchange({ to, from: own, message, triesMs, read, dropped }, signal);
    if (this.epoch.seen(answer.epoch)) this.events.restarted();
    return answer;
  }
}

/** RFC 6887. */
export class PcpRouter extends GatewayRouter implements Router {
  readonly by = "PCP";

  async map(wish: Wish, signal: AbortSignal): Promise<Mapped> {
    const { host, outside, seconds } = await this.#ask(wish, wish.seconds, signal);
    const { own } = this.gateway;
    // A firewall translates nothing: what it lets through goes where it was sent.
    const isRight = isIPv6(own)
      ? host === own && outside === wish.inside
      : isOutsideAddress(host) && isPort(outside);
    if (seconds === 0 || !isRight) {
      this.events.dropped("bad-router-answer");
      throw refused(this.by, `the router maps to ${host} port ${outside} for ${seconds} seconds`);
    }
    return { host, port: outside, seconds };
  }

  async unmap(wish: Wish, _mapped: Mapped | undefined, signal: AbortSignal): Promise<void> {
    await this.#ask(wish, 0, signal);
  }

  async #ask(wish: Wish, seconds: number, signal: AbortSignal): Promise<PcpMapping> {
    const { protocol, inside, nonce } = wish;
    const outside = seconds === 0 ? 0 : wish.outside[0] ?? 0;
    const client = this.gateway.own;
    const message = pcp.encodeMapRequest({ client, nonce, protocol, inside, outside, seconds });
    const answer = await this.ask(message, (bytes) => {
      const answer = pcp.decodeAnswer(bytes);
      if (answer?.kind !== "mapping") return answer?.kind === "refused" ? answer : undefined;
      const isOurs = Buffer.from(answer.nonce).equals(nonce) && answer.protocol === protocol &&
        answer.inside === inside;
      return isOurs ? answer : undefined;
    }, signal);
    if (answer.kind === "refused") throw refused(this.by, answer.why);
    return answer;
  }
}

type PcpMapping = pcp.PcpAnswer & { readonly kind: "mapping" };

/** RFC 6886. */
export class NatPmpRouter extends GatewayRouter implements Router {
  readonly by = "NAT-PMP";

  async map(wish: Wish, signal: AbortSignal): Promise<Mapped> {
    const host = await this.#outsideAddress(signal);
    const { outside, seconds } = await this.#ask(wish, wish.seconds, signal);
    if (seconds === 0 || !isPort(outside)) {
      this.events.dropped("bad-router-answer");
      throw refused(this.by, `the router maps port ${outside} for ${seconds} seconds`);
    }
    return { host, port: outside, seconds };
  }

  async unmap(wish: Wish, _mapped: Mapped | undefined, signal: AbortSignal): Promise<void> {
    await this.#ask(wish, 0, signal);
  }

  async #outsideAddress(signal: AbortSignal): Promise<string> {
    const answer = await this.ask(natPmp.encodeAddressRequest(), (bytes) => {
      const answer = natPmp.decodeAnswer(bytes);
      return answer?.kind === "mapping" ? undefined : answer;
    }, signal);
    if (answer.kind === "refused") throw refused(this.by, answer.why);
    if (answer.kind === "address" && isOutsideAddress(answer.host)) return answer.host;
    this.events.dropped("bad-router-answer");
    throw refused(this.by, "the router has no address outside");
  }

  async #ask(wish: Wish, seconds: number, signal: AbortSignal): Promise<PmpMapping> {
    const { protocol, inside } = wish;
    const outside = seconds === 0 ? 0 : wish.outside[0] ?? 0;
    const message = natPmp.encodeMappingRequest({ protocol, inside, outside, seconds });
    const answer = await this.ask(message, (bytes) => {
      const answer = natPmp.decodeAnswer(bytes);
      if (answer?.kind !== "mapping") return answer?.kind === "refused" ? answer : undefined;
      return answer.protocol === protocol && answer.inside === inside ? answer : undefined;
    }, signal);
    if (answer.kind === "refused") throw refused(this.by, answer.why);
    return answer;
  }
}

type PmpMapping = natPmp.PmpAnswer & { readonly kind: "mapping" };
