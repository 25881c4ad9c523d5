/**
 * Which networks are in use, and which of them comes first.
 *
 * @module
 */

/**
 * The networks that the setting `transports` names, in its order; all of them if it is not set.
 *
 * @param builtIn in the order in which they are tried by default
 */
export function chosenNetworks<T extends { readonly scheme: string }>(
  builtIn: readonly T[],
  chosen: readonly string[] | undefined,
): T[] {
  if (!chosen) return [...builtIn];
  return [...new Set(chosen)].flatMap((name) => builtIn.filter(({ scheme }) => scheme === name));
}
