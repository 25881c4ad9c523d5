/**
 * Why there is no connection to a peer, for a person. Pure.
 *
 * @module
 */
import { NetworkError } from "../../common/errors.ts";

/** hyperdht's errors that a relay can't help with: the peer isn't there. */
const ABSENT: readonly unknown[] = ["PEER_NOT_FOUND", "PEER_CONNECTION_FAILED"];
/** Its errors for a hole that was not punched. One stands for another: it aborts before it says why. */
const NO_HOLE: readonly unknown[] = [
  "CANNOT_HOLEPUNCH",
  "HOLEPUNCH_ABORTED",
  "HOLEPUNCH_DOUBLE_RANDOMIZED_NATS",
  "HOLEPUNCH_PROBE_TIMEOUT",
  "REMOTE_ABORTED",
  "REMOTE_NOT_HOLEPUNCHABLE",
  "REMOTE_NOT_HOLEPUNCHING",
];

/** An attempt to connect that has failed. */
export interface FailedAttempt {
  /** The peer's key, 64 hex digits. */
  readonly key: string;
  /** Of the relay that it went through, if any. */
  readonly relay: string | undefined;
  /** What hyperdht says; undefined if the peer hung up. */
  readonly failure: Error | undefined;
  /** This node's router gives each connection another port. */
  readonly randomized: boolean;
  /** The two have begun to punch: it is not impossible. */
  readonly punched: boolean;
}

/**
 * What to tell: "out-of-reach" if no hole can be punched between the two routers, which no other
 * attempt changes; else "no-live-peer".
 */
export function connectError(attempt: FailedAttempt): NetworkError {
  const { key, relay, failure, randomized, punched } = attempt;
  const through = relay === undefined ? "" : ` through relay ${relay.slice(0, 12)}`;
  const cant = `can't connect to ${key.slice(0, 12)}${through}`;
  const code = codeOf(failure);
  if (relay === undefined && NO_HOLE.includes(code)) {
    const hint =
      "a relay helps: gtr config holepunch.relays <its key>; so does a port that one of " +
      "the two routers maps (gtr doctor)";
    if (!randomized || punched) {
      const message = `${cant}: no hole was punched through the routers (${code})`;
      return new NetworkError("no-live-peer", message, { hint, cause: failure });
    }
    const why = "your router gives each connection another port, and theirs seems to do so too";
    const message = `${cant}: no hole can be punched, as ${why} (${code})`;
    return new NetworkError("out-of-reach", message, { hint, cause: failure });
  }
  const absent = isAbsent(failure);
  const why = absent ? `it is not online (${code})` : failure?.message ?? "it hung up";
  const helps = relay === undefined && failure !== undefined && !absent;
  const hint = helps ? "a relay may help: gtr config holepunch.relays <its key>" : undefined;
  return new NetworkError("no-live-peer", `${cant}: ${why}`, { hint, cause: failure });
}

/** Whether it says that the peer isn't there. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.includes(codeOf(error));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
