/**
 * UDX: reliable, multiplexed, congestion-controlled streams over UDP, wire-compatible with libudx.
 * There is no handshake and no encryption: users exchange the ids of streams, and encrypt what goes
 * through them.
 *
 *     const udx = new UDX();
 *     const socket = udx.createSocket();
 *     socket.bind(0, "127.0.0.1");
 *     const stream = udx.createStream(1);
 *     stream.connect(socket, 2, port, host);
 *
 * @module
 */
export type { Backend, BackendEvents, BackendOptions, OpenBackend } from "./backend.ts";
export { openDgram } from "./backend_dgram.ts";
export { mmsgAvailable, openMmsg } from "./backend_mmsg.ts";
export { UdxError, type UdxErrorCode } from "./error.ts";
export { UDX, type UdxOptions } from "./native_api.ts";
export { type NetworkInterface, NetworkInterfaces } from "./network_interfaces.ts";
export { openFastest } from "./open_fastest.ts";
export { type Address, type SocketOptions, UDXSocket } from "./socket.ts";
export { type ConnectOptions, type Firewall, type StreamOptions, UDXStream } from "./stream.ts";
