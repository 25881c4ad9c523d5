/**
 * The networks that this program was built with.
 *
 * @module
 */

/** Their schemes: "torrent". */
export async function networks(): Promise<string[]> {
  const { ALL_TRANSPORTS } = await import("../transports/all.ts");
  return ALL_TRANSPORTS.map(({ scheme }) => scheme);
}
