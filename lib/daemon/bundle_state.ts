/**
 * Bundles in the terms of the control API.
 *
 * gtd does not write the file: as a service it may write nowhere but in its home. Who asks copies
 * the packs from the store.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import { bundleParts, importBundle } from "../engine/bundle.ts";
import type { Engine } from "../engine/engine.ts";
import { formatAddress } from "../identity/address.ts";
import { publisherId } from "../identity/keys.ts";
import { encodeEnvelope } from "../manifest/envelope.ts";
import type { Manifest } from "../manifest/types.ts";
import { ANY_NETWORK } from "../transports/known.ts";
import type { BundleState, ImportedState } from "./api.ts";

/** Brings a repository up to date, and says what a bundle of it consists of. */
export async function bundleState(engine: Engine, url: string, wait: Wait): Promise<BundleState> {
  const { repository, warning } = await engine.sync(url, wait);
  const { signed, packs } = await bundleParts(engine.parts, repository, wait);
  return {
    ...named(engine, signed.manifest),
    envelope: new TextDecoder().decode(encodeEnvelope(signed)),
    packs: packs.map(({ path }) => path),
    warning,
  };
}

/** Imports a bundle. */
export async function importedState(
  engine: Engine,
  file: string,
  wait: Wait,
): Promise<ImportedState> {
  const { signed, changed } = await importBundle(engine.parts, file, wait);
  return { ...named(engine, signed.manifest), changed };
}

function named({ parts }: Engine, { publisher, name, sequence }: Manifest) {
  const scheme = parts.networks[0]?.scheme ?? ANY_NETWORK;
  const id = publisherId(Uint8Array.fromHex(publisher));
  return { address: formatAddress({ scheme, id, name }), name, sequence };
}
