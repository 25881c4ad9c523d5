/**
 * What strangers may use of this machine for live streams, on every network that has them.
 *
 * @module
 */
import type { Settings } from "../../common/settings.ts";

/** Limits of one network's streams. */
export interface LiveLimits {
  /** At once, those that still shake hands included. */
  readonly streams: number;
  /** Of these, for one IP address. */
  readonly perPeer: number;
  /** Bytes per second of all together; 0 for no limit. */
  readonly uploadRate: number;
  /** Seconds that one may take in all. */
  readonly seconds: number;
  /** Seconds without a byte either way. */
  readonly idleSeconds: number;
}

/** The user's limits: `live.*`. */
export function liveLimits(settings: Settings): LiveLimits {
  return {
    streams: settings.get("live.streams"),
    perPeer: settings.get("live.perPeer"),
    uploadRate: settings.get("live.uploadRate"),
    seconds: settings.get("live.seconds"),
    idleSeconds: settings.get("live.idle"),
  };
}
