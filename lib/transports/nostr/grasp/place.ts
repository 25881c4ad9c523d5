/**
 * Where a repository is on a GRASP server: a relay and a git server in one (GRASP-01).
 *
 * @module
 */
import { npubEncode } from "nostr-tools/nip19";

/** The two addresses of one repository there; its announcement has to name both. */
export interface GraspPlace {
  readonly relay: string;
  /** The URL that git clones. */
  readonly clone: string;
}

/** The relay that a GRASP server is. */
export function graspRelay(server: string): string {
  return server.replace(/^http/, "ws");
}

/** @param server "https://grasp.example", without a `/` at its end */
export function graspPlace(server: string, pubkey: string, identifier: string): GraspPlace {
  return {
    relay: graspRelay(server),
    clone: `${server}/${npubEncode(pubkey)}/${encodeURIComponent(identifier)}.git`,
  };
}
