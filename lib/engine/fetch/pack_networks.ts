/**
 * Which network a pack is fetched from, by what each has delivered so far.
 *
 * @module
 */
import type { GtrError } from "../../common/errors.ts";
import type { Packs } from "../../ports/packs.ts";

/** A network without a connected peer gets company after this long, in milliseconds. */
const UNCONNECTED_MS = 300;
/** So does one that sends nothing, if it doesn't tell of its peers. */
const SILENT_MS = 2000;
/** And one whose connected peers send nothing: in a crowd each of them has its turn. */
const CROWDED_MS = 5000;
/** Speeds are guesses: another network joins only if it would be so many times as fast. */
const SOONER = 2;

/** What a fetch has seen of one network. */
export interface PackNetwork {
  readonly scheme: string;
  readonly packs: Packs;
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
  readonly network: PackNetwork;
  readonly started: number;
  /** When something came last. */
  moved: number;
  /** Bytes of the pack that are here, those that were here before included. */
  done: number;
  /** Bytes of it that have come. */
  bytes: number;
  /** Connected peers; undefined if the network doesn't tell. */
  peers?: number;
  /** It has looked for peers everywhere once, and waited for them to answer. */
  searched?: boolean;
  /** Why it has ended, if it has ended in vain. */
  failure?: GtrError;
  /** Ends this one only; the network may then get another turn. */
  readonly stop: AbortController;
  /** Settles when it has ended, one way or another. */
  readonly ended: Promise<void>;
}

/** The network as it is before anything was fetched. */
export function untried(scheme: string, packs: Packs): PackNetwork {
  return { scheme, packs, running: new Set(), failed: false, stalled: false, bytes: 0, ms: 0 };
}

/** The network that would be done first with one pack more, of those without one of `attempts`. */
export function bestNetwork(
  networks: readonly PackNetwork[],
  attempts: readonly Attempt[],
): PackNetwork | undefined {
  // What nobody has measured may be as fast as any.
  const fastest = Math.max(0, ...networks.map((network) => speedOf(network) ?? 0)) || 1;
  const share = (network: PackNetwork) => {
    if (network.failed) return -1;
    if (network.stalled) return 0;
    return (speedOf(network) ?? fastest) / (network.running.size + 1);
  };
  return networks.filter((free) => attempts.every(({ network }) => network !== free))
    .toSorted((a, b) => share(b) - share(a))[0];
}

/** Whether nothing has come for longer than it should take. */
export function isSilent({ moved, peers }: Attempt): boolean {
  const patienceMs = peers === undefined ? SILENT_MS : peers > 0 ? CROWDED_MS : UNCONNECTED_MS;
  return performance.now() - moved >= patienceMs;
}

/**
 * Why it is of no use to wait any longer: a network knows that peers that have the pack can't be
 * connected to, whenever one tries, and no other that has looked for peers has connected to one.
 */
export function hopeless(attempts: readonly Attempt[]): GtrError | undefined {
  const found = attempts.find(({ failure }) => failure?.code === "out-of-reach")?.failure;
  const isInVain = attempts.every(({ failure, peers, searched, bytes }) =>
    failure || (searched && peers === 0 && bytes === 0)
  );
  return isInVain ? found : undefined;
}

/** Whether another network, which has nothing else to do, would have the whole pack much sooner. */
export function isOvertaken(
  attempt: Attempt,
  size: number,
  other: PackNetwork | undefined,
): boolean {
  const speed = other && !other.failed && other.running.size === 0 && speedOf(other);
  if (!speed || attempt.bytes === 0) return false;
  const passed = performance.now() - attempt.started;
  const left = (size - attempt.done) * passed / attempt.bytes;
  return left > SOONER * size / speed + SILENT_MS;
}

/** Bytes per millisecond of one pack of several; undefined if nothing has come yet. */
function speedOf({ bytes, ms, running }: PackNetwork): number | undefined {
  const now = performance.now();
  const total = [...running].reduce((sum, { started }) => sum + now - started, ms);
  return bytes > 0 ? bytes / Math.max(total, 1) : undefined;
}
