/**
 * Signed manifests: made known, found, taken back.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import type { RepoAddress } from "../identity/address.ts";
import type { Manifest, SignedManifest } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";

/** How a manifest is looked for. */
export interface ResolveWait extends Wait {
  /** This network's endpoints in the publication that is here already. */
  readonly known?: readonly string[];
  /** Told if this network has nobody to ask: that it knows nothing says nothing then. */
  readonly idle?: () => void;
}

/** A network that carries manifests. */
export interface Records {
  /**
   * The newest manifest this network knows. Yields as answers arrive, each opened with
   * `NetworkContext.openManifest`; ends when the network has said all it knows. Ending without a value
   * means "not found".
   *
   * @throws {NetworkError} "unreachable" if no node of the network answers
   */
  resolve(address: RepoAddress, wait: ResolveWait): AsyncIterable<SignedManifest>;

  /**
   * Makes a manifest findable, and keeps it so (republished before it expires) until disposed or
   * replaced by a newer one. Called after its packs were offered. Followers call it too, without the
   * publisher's key: the network then republishes the record it resolved, unchanged. If it can't (it
   * has no such record), it announces itself as a source of the data and that is all.
   */
  publish(manifest: SignedManifest, packs: readonly PackFile[], wait: Wait): Promise<void>;

  /** Stops republishing what {@linkcode Records.publish} was given. */
  retract(manifest: Manifest): Promise<void>;
}
