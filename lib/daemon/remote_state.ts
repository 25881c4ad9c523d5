/**
 * Repositories in the terms of the control API.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Resolved } from "../engine/fetch/resolve.ts";
import type { Synced } from "../engine/fetch/sync.ts";
import { formatAddress } from "../identity/address.ts";
import { publisherId } from "../identity/keys.ts";
import type { ForeignState } from "../ports/naming.ts";
import type { RemoteState, SyncedState } from "./api.ts";

/** The newest state of a repository, as the address `url` led to it. */
export function remoteState(
  url: string,
  { signed, publisher, own, warning }: Resolved,
): RemoteState {
  const { name, sequence, objectFormat, head, refs, peeled, packs } = signed.manifest;
  const scheme = url.slice(0, url.indexOf(":"));
  const id = publisherId(Buffer.from(publisher, "hex"));
  const address = formatAddress({ scheme, id, name });
  return {
    address,
    publisher,
    name,
    sequence,
    objectFormat,
    head,
    refs: { ...refs },
    peeled,
    packBytes: packs.reduce((sum, { size }) => sum + size, 0),
    own,
    warning,
  };
}

/** That of one that is published without gtr. */
export function foreignState({ changed, servers, peeled, ...state }: ForeignState): RemoteState {
  const shown = { ...state, refs: { ...state.refs }, peeled: { ...peeled }, servers: [...servers] };
  return { ...shown, sequence: changed, packBytes: 0, own: false };
}

/** A repository with its packs in the store. */
export async function syncedState(url: string, synced: Synced): Promise<SyncedState> {
  const files = await synced.repository.packs();
  return {
    ...remoteState(url, synced),
    gitDir: synced.repository.path,
    packs: files.map(({ pack, path }) => ({
      path,
      sha256: pack.sha256,
      size: pack.size,
      objects: pack.objects,
      tips: [...pack.tips],
    })),
  };
}
