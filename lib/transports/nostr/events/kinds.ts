/**
 * The kinds of events that this room writes or reads, by the NIP that defines them.
 *
 * @module
 */

/** Deletion request, NIP-09. */
export const DELETION = 5;
/** File metadata, NIP-94: here, one pack. */
export const FILE_METADATA = 1063;
/** Part of a file's bytes in base64, by the draft of NIP-95: regular, so that none replaces another. */
export const FILE_DATA = 1064;
/** The relays a user reads from and writes to, NIP-65. */
export const RELAY_LIST = 10002;
/** The Blossom servers of a user, BUD-03. */
export const BLOSSOM_LIST = 10063;
/** Authentication to a relay, NIP-42. */
export const RELAY_AUTH = 22242;
/** Requests to a remote signer and its answers, NIP-46. */
export const REMOTE_SIGNING = 24133;
/** Authorization of a request to a Blossom server, BUD-11. */
export const BLOSSOM_AUTH = 24242;
/** Repository announcement, NIP-34. */
export const ANNOUNCEMENT = 30617;
/** Repository state, NIP-34. */
export const STATE = 30618;
