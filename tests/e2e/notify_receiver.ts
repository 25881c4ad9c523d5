/** Prints what arrives at a datagram socket, as a service manager would hear it. */
const [path] = Deno.args;
const socket = Deno.listenDatagram({ transport: "unixpacket", path: path! });
console.log("listening");
const text = new TextDecoder();
for await (const [bytes] of socket) {
  for (const line of text.decode(bytes).split("\n")) console.log(line);
}
