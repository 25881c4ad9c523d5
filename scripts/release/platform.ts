/**
 * What releases call a kind of machine.
 *
 * @module
 */
import { ReleaseError } from "./error.ts";

const SYSTEMS: Readonly<Record<string, string>> = {
  linux: "linux",
  darwin: "macos",
  windows: "windows",
};
const PROCESSORS: Readonly<Record<string, string>> = { x86_64: "x64", aarch64: "arm64" };

/**
 * "linux-x64", from Deno's names.
 *
 * @throws {ReleaseError} where there are no releases for it
 */
export function platform(os: string, arch: string): string {
  const [system, processor] = [SYSTEMS[os], PROCESSORS[arch]];
  if (system && processor) return `${system}-${processor}`;
  throw new ReleaseError(`can't release for ${os} on ${arch}`);
}
