/**
 * Packs as bundles (gitformat-bundle(5)), with which stock git can begin a clone: `--bundle-uri`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { PackRef } from "../../manifest/types.ts";

/**
 * What a pack needs before it to be a bundle. Only a repository's first pack can be one like this:
 * others build on those before them. The names are read by nobody; git keeps them in `refs/bundles`.
 */
export function bundleHeader({ tips }: PackRef): Uint8Array {
  const isSha256 = tips.some((tip) => tip.length === 64);
  return Buffer.from([
    ...(isSha256 ? ["# v3 git bundle", "@object-format=sha256"] : ["# v2 git bundle"]),
    ...tips.map((tip, i) => `${tip} refs/heads/tip-${i + 1}`),
    "",
    "",
  ].join("\n"));
}

/** A list of bundles (git's "bundle URIs" technical document): the one of the first pack, if any. */
export function bundleList(uri: string | undefined): string {
  const list = "[bundle]\n\tversion = 1\n\tmode = all\n";
  return uri === undefined ? list : `${list}[bundle "base"]\n\turi = ${uri}\n`;
}
