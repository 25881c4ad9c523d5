/**
 * What `gtr --version` prints.
 *
 * @module
 */
import { VERSION } from "../common/version.ts";
import { networks } from "./networks.ts";

/** "gtr 0.1.0 (networks: torrent)" and a newline. */
export async function versionLine(): Promise<string> {
  return `gtr ${VERSION} (networks: ${(await networks()).join(", ")})\n`;
}
