/**
 * How a repository's data gets to its readers.
 *
 * @module
 */
import type { Manifest } from "./types.ts";

/**
 * "announce": only the manifest is in the networks, and peers that are online serve the data live;
 * "put": the data is there too, and the publisher serves none live; "both".
 */
export type Flow = "announce" | "put" | "both";

/** All flows, for whoever lets a person choose. */
export const FLOWS: readonly Flow[] = ["announce", "put", "both"];

/** The flow of a manifest: "both" where it names none, or one that is not known here. */
export function flowOf({ flow }: Pick<Manifest, "flow">): Flow {
  return FLOWS.find((known) => known === flow) ?? "both";
}

/** Whether a manifest has refs whose packs it doesn't list, since they are served live only. */
export function isAnnounced(manifest: Pick<Manifest, "flow">): boolean {
  return flowOf(manifest) === "announce";
}
