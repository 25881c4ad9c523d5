/**
 * Speaks multicast DNS as nobody should: packets of chance, cut ones, and presences of gtds that
 * aren't there. Ends when all are sent.
 *
 *     deno run -A mdns_flood.ts <address of the interface> <packets of each kind>
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { once } from "node:events";

const [address, count] = [Deno.args[0]!, Number(Deno.args[1])];
const GROUP = "224.0.0.251";
const PORT = 5353;

const label = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const name = (...labels: string[]) => Buffer.concat([...labels.map(label), Buffer.from([0])]);
const record = (owner: Buffer, type: number, data: Buffer) => {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(120, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, head, data]);
};

/** A gtd's presence (records.ts), written down by itself. */
function presence(): Buffer {
  const key = randomBytes(32).toString("hex");
  const owner = name(key.slice(0, 16), "_gtr", "_udp", "local");
  const place = Buffer.concat([Buffer.from([0, 0, 0, 0, 0x12, 0x34]), name("x", "local")]);
  const head = Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
  return Buffer.concat([head, record(owner, 33, place), record(owner, 16, label(`k=${key}`))]);
}

const socket = dgram.createSocket({ type: "udp4", reuseAddr: true });
socket.bind(PORT, "0.0.0.0");
await once(socket, "listening");
socket.setMulticastInterface(address);
const send = (bytes: Buffer) =>
  new Promise<void>((resolve, reject) =>
    socket.send(bytes, PORT, GROUP, (error) => error ? reject(error) : resolve())
  );
for (let i = 0; i < count; i++) {
  const whole = presence();
  await send(randomBytes(1 + i % 1400));
  await send(whole.subarray(0, 1 + i % whole.length));
  await send(Buffer.concat([whole.subarray(0, 12), Buffer.from([0xc0, 12]), randomBytes(20)])); // a name that points at itself
  await send(whole);
}
socket.close();
