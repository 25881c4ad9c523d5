/**
 * Which network a pack is fetched from, by what each has delivered so far.
 *
 * @module
 */
import type { GtrError } from "../common/errors.ts";
import type { Transport } from "../transports/transport.ts";

/** A network that has sent nothing for this long gets company, in milliseconds. */
const HEDGE_MS = 2000;
/** Speeds are guesses: another network joins only where it would be so many times as fast. */
const SOONER = 2;

/** What a fetch has seen of one network. */
export interface Network {
  readonly transport: Transport;
  readonly running: Set<Attempt>;
  /** Failed with a pack: from then on it is the last to be asked. */
  failed: boolean;
  /** Silent at present. */
  stalled: boolean;
  /** Bytes received, and the time that ended attempts took, in milliseconds. */
  bytes: number;
  ms: number;
}

/** One pack from one network. */
export interface Attempt {
  readonly network: Network;
  readonly started: number;
  /** When something came last. */
  moved: number;
  /** Bytes of the pack that are here, those that were here before included. */
  done: number;
  /** Bytes of it that have come. */
  bytes: number;
  failure?: GtrError;
  /** The path of the whole file. */
  readonly result: Promise<string>;
}

/** The network as it is before anything was fetched. */
export function untried(transport: Transport): Network {
  return { transport, running: new Set(), failed: false, stalled: false, bytes: 0, ms: 0 };
}

/** The network that would be done first with one pack more, of those without one of `attempts`. */
export function bestNetwork(
  networks: readonly Network[],
  attempts: readonly Attempt[],
): Network | undefined {
  // What nobody has measured may be as fast as any.
  const fastest = Math.max(0, ...networks.map((network) => speedOf(network) ?? 0)) || 1;
  const share = (network: Network) => {
    if (network.failed) return -1;
    if (network.stalled) return 0;
    return (speedOf(network) ?? fastest) / (network.running.size + 1);
  };
  return networks.filter((free) => attempts.every(({ network }) => network !== free))
    .toSorted((a, b) => share(b) - share(a))[0];
}

/** Whether nothing has come for a while. */
export function isSilent({ moved }: Attempt): boolean {
  return performance.now() - moved >= HEDGE_MS;
}

/** Whether another network, which has nothing else to do, would have the whole pack much sooner. */
export function isOvertaken(attempt: Attempt, size: number, other: Network | undefined): boolean {
  const speed = other && !other.failed && other.running.size === 0 && speedOf(other);
  if (!speed || attempt.bytes === 0) return false;
  const passed = performance.now() - attempt.started;
  const left = (size - attempt.done) * passed / attempt.bytes;
  return left > SOONER * size / speed + HEDGE_MS;
}

/** Bytes per millisecond of one pack of several; undefined where nothing has come yet. */
function speedOf({ bytes, ms, running }: Network): number | undefined {
  const now = performance.now();
  const total = [...running].reduce((sum, { started }) => sum + now - started, ms);
  return bytes > 0 ? bytes / Math.max(total, 1) : undefined;
}
