/**
 * What readers should know if they are given something older than the newest that there may be.
 *
 * @module
 */
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import type { SignedManifest } from "../../manifest/types.ts";

/** `newest` is known, but not to be had. */
export function olderWarning(newest: SignedManifest, used: SignedManifest): string {
  return `the newest publication is ${named(newest)}; nobody online has it; using ${named(used)}`;
}

/** Of a newer one no more is known than its sequence number, seen before. */
export function seenWarning(sequence: number, used: SignedManifest): string {
  return `publication ${sequence} was seen before; nobody online tells of it; using ${named(used)}`;
}

/** Nobody told of any. */
export function unansweredWarning(address: RepoAddress, used: SignedManifest): string {
  const where = formatAddress(address);
  return `nobody answered about ${where}; using the copy of ${dateOf(used)} kept here`;
}

function named(signed: SignedManifest): string {
  return `${signed.manifest.sequence}, of ${dateOf(signed)}`;
}

function dateOf({ manifest: { created } }: SignedManifest): string {
  return new Date(created * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC";
}
