/**
 * Which networks are in use, and which of them comes first.
 *
 * @module
 */
import type { Network } from "../ports/network.ts";

/**
 * The networks that the setting `transports` names, in its order; those that are on by default if it
 * is not set.
 *
 * @param builtIn in the order in which they are tried by default
 */
export function chosenNetworks<T extends Pick<Network, "scheme" | "isDefault">>(
  builtIn: readonly T[],
  chosen: readonly string[] | undefined,
): T[] {
  if (!chosen) return builtIn.filter(({ isDefault }) => isDefault);
  return [...new Set(chosen)].flatMap((name) => builtIn.filter(({ scheme }) => scheme === name));
}
