/**
 * The packet of UDX, version 1: 20 bytes of header, little endian, then what the type says.
 *
 *     FF 01 type offset | u32 stream | u32 window | u32 seq | u32 ack | padding | payload
 *
 * `stream` is the id that the receiver gave its stream; ids are exchanged by other means. `offset`
 * is how many bytes of padding (a probe of the path's MTU) or of SACK blocks come before the payload.
 *
 * @module
 */

/** Length of the header, bytes. */
export const HEADER_SIZE = 20;
/** Blocks of received packets in one acknowledgement, at most. */
export const MAX_SACK_BLOCKS = 50;

const MAGIC = 0xff;
const VERSION = 1;

/** What a packet is: bits, combined. None: an acknowledgement and nothing else. */
export const PacketType = {
  /** Carries a piece of the stream. */
  DATA: 1,
  /** The last packet of the stream. */
  END: 2,
  /** Carries blocks of packets that were received out of order. */
  SACK: 4,
  /** Carries a message: not ordered, not repeated. */
  MESSAGE: 8,
  /** The sender has given up the stream. */
  DESTROY: 16,
  /** Asks for an acknowledgement. */
  HEARTBEAT: 32,
} as const;

/** The header's fields. */
export interface Header {
  type: number;
  /** Bytes between the header and the payload. */
  offset: number;
  /** The receiver's id of the stream. */
  stream: number;
  /** Bytes that the sender of this packet is ready to take. */
  window: number;
  seq: number;
  /** The next sequence number that the sender of this packet waits for. */
  ack: number;
}

/** Reads an unsigned 32-bit number, little endian. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>>
    0;
}

/** Writes an unsigned 32-bit number, little endian. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Whether these bytes can be a packet of this version. */
export function isPacket(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_SIZE && bytes[0] === MAGIC && bytes[1] === VERSION;
}

/** The id of the stream that a packet is for. */
export function streamOf(bytes: Uint8Array): number {
  return readUint32(bytes, 4);
}

/** Readdresses a packet to another stream: what a relay does. */
export function setStream(bytes: Uint8Array, id: number): void {
  writeUint32(bytes, 4, id);
}

/** Reads the header of a packet for which {@linkcode isPacket} holds. */
export function decodeHeader(bytes: Uint8Array, into: Header): Header {
  into.type = bytes[2]!;
  into.offset = bytes[3]!;
  into.stream = readUint32(bytes, 4);
  into.window = readUint32(bytes, 8);
  into.seq = readUint32(bytes, 12);
  into.ack = readUint32(bytes, 16);
  return into;
}

/** Writes a header to the first 20 bytes. */
export function encodeHeader(bytes: Uint8Array, header: Readonly<Header>): void {
  bytes[0] = MAGIC;
  bytes[1] = VERSION;
  bytes[2] = header.type;
  bytes[3] = header.offset;
  writeUint32(bytes, 4, header.stream);
  writeUint32(bytes, 8, header.window);
  writeUint32(bytes, 12, header.seq);
  writeUint32(bytes, 16, header.ack);
}

/** Brings window and acknowledgement of a packet that is sent again up to date. */
export function refreshHeader(bytes: Uint8Array, window: number, ack: number): void {
  writeUint32(bytes, 8, window);
  writeUint32(bytes, 16, ack);
}

/** Where the payload starts, or -1 where the packet is too short for what its header claims. */
export function payloadStart(bytes: Uint8Array): number {
  const start = HEADER_SIZE + bytes[3]!;
  return start > bytes.length ? -1 : start;
}

/** How many SACK blocks a packet of type SACK carries. */
export function sackBlocks(bytes: Uint8Array): number {
  const rest = bytes.length - HEADER_SIZE;
  const length = Math.min(bytes[3]! || rest, rest);
  return Math.min(length >> 3, MAX_SACK_BLOCKS);
}

/** First sequence number of the block `i`. */
export function sackStart(bytes: Uint8Array, i: number): number {
  return readUint32(bytes, HEADER_SIZE + 8 * i);
}

/** The sequence number after the last one of the block `i`. */
export function sackEnd(bytes: Uint8Array, i: number): number {
  return readUint32(bytes, HEADER_SIZE + 8 * i + 4);
}

/** Writes the block `i`: [start, end). */
export function writeSack(bytes: Uint8Array, i: number, start: number, end: number): void {
  writeUint32(bytes, HEADER_SIZE + 8 * i, start);
  writeUint32(bytes, HEADER_SIZE + 8 * i + 4, end);
}
