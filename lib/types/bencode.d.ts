/** The part of bencode 4 (BEP 3) that is used here. */
declare const bencode: {
  /** Texts as UTF-8, dictionary keys sorted; null and undefined members are left out. */
  encode(data: unknown): Uint8Array;
  /** Strings come as bytes. Not for bytes from the network: it loops forever on `l-3:`. */
  decode(data: Uint8Array): unknown;
};
export default bencode;
