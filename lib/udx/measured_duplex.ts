/**
 * What a stream tells of its connection.
 *
 * @module
 */
// @ts-types="./streamx.d.ts"
import { Duplex } from "streamx";
import type { Connection } from "./connection.ts";

const BBR_STATES = { startup: 1, drain: 2, "probe-bandwidth": 3, "probe-rtt": 4 } as const;

/** A Duplex with the figures of udx-native's streams. */
export abstract class MeasuredDuplex extends Duplex {
  /** Bytes of all packets sent. */
  bytesTransmitted = 0;
  /** Packets sent. */
  packetsTransmitted = 0;
  /** Bytes of all packets received. */
  bytesReceived = 0;
  /** Packets received. */
  packetsReceived = 0;

  /** @internal */
  protected abstract readonly connection: Connection;

  /** Bytes of the largest IP packet that is sent. */
  get mtu(): number {
    return this.connection.sender.mtu.mtu;
  }

  /** Smoothed round-trip time, ms. */
  get rtt(): number {
    return this.connection.sender.recovery.rtt.smoothed;
  }

  /** Packets that may be in flight. */
  get cwnd(): number {
    return Math.floor(this.connection.sender.bbr.window);
  }

  /** Bytes in flight. */
  get inflight(): number {
    return this.connection.sender.recovery.flying.length * this.connection.sender.payload;
  }

  /** Timeouts: nothing was acknowledged for too long (RFC 6298). */
  get rtoCount(): number {
    return this.connection.sender.recovery.timeouts;
  }

  /** Packets sent again. */
  get retransmits(): number {
    return this.connection.sender.retransmits;
  }

  /** How often a loss was found without a timeout. */
  get fastRecoveries(): number {
    return this.connection.sender.recovery.fastRecoveries;
  }

  /** 1: startup, 2: drain, 3: probing the bandwidth, 4: probing the round-trip time. */
  get bbrState(): number {
    return BBR_STATES[this.connection.sender.bbr.state];
  }

  /** Bytes per second that the path is estimated to take. */
  get bbrBandwidth(): number {
    const { sender } = this.connection;
    return Math.round(sender.bbr.bandwidth * 1000 * sender.payload);
  }

  /** Packets that were dropped, by reason. */
  get dropped(): Readonly<Record<string, number>> {
    return { ...this.connection.dropped, badSack: this.connection.sender.recovery.badSacks };
  }
}
