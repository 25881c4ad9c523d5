/**
 * UDX: reliable, multiplexed, congestion-controlled streams over UDP, wire-compatible with libudx.
 * There is no handshake and no encryption: users exchange the ids of streams, and encrypt what goes
 * through them.
 *
 * {@linkcode UDX} makes sockets and streams, with the interface of udx-native.
 *
 * ```ts
 * import { UDX } from "@gtr/udx";
 *
 * const udx = new UDX();
 * const socket = udx.createSocket();
 * socket.bind(0, "127.0.0.1");
 * const { port } = socket.address()!;
 * const [left, right] = [udx.createStream(1), udx.createStream(2)];
 * left.connect(socket, right.id, port, "127.0.0.1");
 * right.connect(socket, left.id, port, "127.0.0.1");
 *
 * right.end(); // it has nothing to say
 * left.resume(); // and that end has to be read
 * left.end("hello");
 * for await (const bytes of right) console.log(String(bytes));
 * await socket.close();
 * ```
 *
 * How datagrams are sent and received can be chosen: {@linkcode openFastest} is the default,
 * {@linkcode openDgram} runs everywhere.
 *
 * ```ts
 * import { openDgram, UDX } from "@gtr/udx";
 *
 * const udx = new UDX({ backend: openDgram });
 * const socket = udx.createSocket();
 * socket.bind(0, "127.0.0.1");
 * console.log("bound to port", socket.address()!.port);
 * await socket.close();
 * ```
 *
 * @module
 */
export type { Backend, BackendEvents, BackendOptions, OpenBackend } from "./backend.ts";
export { openDgram } from "./backend_dgram.ts";
export { mmsgAvailable, openMmsg } from "./backend_mmsg.ts";
export { UdxError, type UdxErrorCode } from "./error.ts";
export type { MeasuredDuplex } from "./measured_duplex.ts";
export type { Multiplexer } from "./multiplexer.ts";
export { UDX, type UdxOptions } from "./native_api.ts";
export { type NetworkInterface, NetworkInterfaces } from "./network_interfaces.ts";
export { openFastest } from "./open_fastest.ts";
export { type Address, type CarriedStream, type SocketOptions, UDXSocket } from "./socket.ts";
export type { Duplex, DuplexOptions } from "./streamx.d.ts";
export { type ConnectOptions, type Firewall, type StreamOptions, UDXStream } from "./stream.ts";
