/**
 * The error for a pack that no network delivers.
 *
 * @module
 */
import { counted } from "../../common/counted.ts";
import { type GtrError, NetworkError, StoreError } from "../../common/errors.ts";
import type { PackRef } from "../../manifest/types.ts";
import { type Attempt, hopeless } from "./pack_networks.ts";

/** Why nobody delivers the pack of the repository `name`. */
export function failureOf(
  attempts: readonly Attempt[],
  { sha256 }: PackRef,
  name: string,
): GtrError {
  const failures = attempts.flatMap(({ failure }) => failure ?? []);
  const first = hopeless(attempts) ?? failures[0];
  if (!first) {
    return new NetworkError("no-transport", "can't fetch packs: no network is enabled", {
      hint: "gtr config transports",
    });
  }
  const ours = failures.find((failure) => failure instanceof StoreError);
  if (ours || attempts.length === 1) return ours ?? first;
  const told = concerned(attempts);
  const message = told.every(foundNobody)
    ? nobody(told, name)
    : `can't fetch pack ${sha256.slice(0, 12)}: ${told.map(stateOf).join("; ")}`;
  const hint = [first, ...told.map(({ failure }) => failure)].find((it) => it?.hint)?.hint;
  return new NetworkError(first.code, message, {
    hint: hint ?? "try again when its publisher, or someone who cloned it, is online",
    cause: first,
  });
}

/** A deadline's error, with what each network has come to; the caller's own reason as it is. */
export function unanswered(reason: unknown, attempts: readonly Attempt[], name: string): unknown {
  const heard = attempts.filter(({ failure, peers }) => failure ?? peers !== undefined);
  if (!(reason instanceof NetworkError) || heard.length === 0) return reason;
  const told = concerned(heard);
  const message = told.every(foundNobody)
    ? nobody(told, name)
    : `${reason.message}; ${told.map(stateOf).join("; ")}`;
  const hint = reason.hint ?? told.find(({ failure }) => failure?.hint)?.failure?.hint;
  return new NetworkError(reason.code, message, { hint, cause: reason });
}

/** What a person should know of a network that has not delivered. */
export function stateOf({ network, failure, peers, bytes }: Attempt): string {
  // What could not be fetched has been said already.
  const state = failure?.message.replace(/^can't fetch pack [^:]*: /, "") ??
    (peers
      ? `${counted(peers, "peer")} connected, but ${bytes > 0 ? "no more came" : "sent nothing"}`
      : peers === 0
      ? "no peer could be connected to"
      : "no answer");
  return `${network.scheme}: ${state}`;
}

/** Those that had something to try; if none had, all. */
function concerned(attempts: readonly Attempt[]): readonly Attempt[] {
  const able = attempts.filter(({ failure }) => failure?.code !== "no-source");
  return able.length > 0 ? able : attempts;
}

/** Whether it has looked for peers, and nobody is there. */
function foundNobody({ failure, peers }: Attempt): boolean {
  const isSilent = failure === undefined || failure.code === "nobody-answered";
  return failure?.code === "no-peer" || (isSilent && peers === 0);
}

function nobody(attempts: readonly Attempt[], name: string): string {
  const begun = Math.min(...attempts.map(({ started }) => started));
  const seconds = Math.max(1, Math.round((performance.now() - begun) / 1000));
  const networks = attempts.map(({ network }) => network.scheme).join(" or ");
  return `can't fetch ${name}: nobody who has it could be reached over ${networks} in ${seconds} s`;
}
