/**
 * The networks that this program was built with.
 *
 * @module
 */

/** Their schemes: "torrent". */
export async function networks(): Promise<string[]> {
  const { transports } = await import("../transports/all.ts");
  return transports.map(({ scheme }) => scheme);
}
