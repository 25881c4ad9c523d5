/**
 * udx-native, hyperdht and what is built on it for Node: what interop is tested with, and speed measured against.
 *
 * @module
 */
import { type Installed, npmPackages } from "./npm_packages.ts";

const PACKAGES = ["udx-native@1.21.3", "hyperdht@6.34.0", "hyperswarm@4.17.2", "hypercore@11.37.1"];

/** Installs them with npm, once; the folder has node_modules. */
export async function nativeUdx(): Promise<Installed> {
  return await npmPackages(PACKAGES, "hyperdht");
}
