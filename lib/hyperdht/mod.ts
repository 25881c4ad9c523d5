/**
 * hyperdht, unmodified, on every system. Its packages have libsodium from sodium-native; where that
 * one's addon can't be loaded (no build for this system, or FFI isn't permitted), they get
 * JavaScript. udx-native can't be loaded there either: `lib/udx` takes its place.
 *
 *     import HyperDHT from "./mod.ts";
 *     const dht = new HyperDHT({ udx: new UDX() });
 *
 * @module
 */
import Module from "node:module";
import type Class from "../types/hyperdht.d.ts";
import { UDX } from "@gtr/udx";
import type { Sodium } from "./sodium.ts";

const SODIUM = "sodium-native";

/** What gives CommonJS modules to those that require them. */
interface Loader {
  _load(this: unknown, request: string, ...rest: unknown[]): unknown;
}

/** Why sodium-native isn't used; undefined where it is. JavaScript is slower. */
export const withoutNative: string | undefined = await import("sodium-native")
  .then(() => undefined, async (error: Error) => {
    const { sodium } = await import("./sodium.ts");
    replaceInPackages(sodium);
    replaceInBundles(sodium);
    return error.message;
  });

function replaceInPackages(sodium: Sodium): void {
  const loader = Module as unknown as Loader;
  const load = loader._load;
  loader._load = function (request, ...rest) {
    if (request === SODIUM) return sodium;
    return request === "udx-native" ? UDX : load.call(this, request, ...rest);
  };
}

/** Bundles load nothing; `scripts/build/addons.ts` has them look here. */
function replaceInBundles(sodium: Sodium): void {
  (globalThis as { [name: symbol]: Sodium })[Symbol.for(SODIUM)] = sodium;
}

const { default: HyperDHT }: { default: typeof Class } = await import("hyperdht");
type HyperDHT = Class;
export default HyperDHT;
