import assert from "node:assert/strict";
import { once } from "node:events";
import { mmsgAvailable, openDgram, openMmsg, UDX } from "../../../lib/udx/mod.ts";

const HOST = "127.0.0.1";
const DEADLINE_MS = 60_000;
const OTHER_BYTES = 8_000_000;
/** What the stream carries meanwhile: with turns for others 0.01 to 2.5 times as much, else 10 times. */
const MOST_TIMES_AS_MUCH = 5;
/** One has to go well: other programs may take the turns that the stream gives. */
const ATTEMPTS = 5;

/** Sends so much over TCP on loopback, within this process; resolves when all has come. */
async function sendByTcp(bytes: number): Promise<void> {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const [sender, receiver] = await Promise.all([
    Deno.connect({ hostname: HOST, port: listener.addr.port }),
    listener.accept(),
  ]);
  const reading = (async () => {
    let received = 0;
    for await (const chunk of receiver.readable) received += chunk.length;
    return received;
  })();
  const writer = sender.writable.getWriter();
  await writer.write(new Uint8Array(bytes));
  await writer.close();
  assert.equal(await reading, bytes);
}

for (
  const [name, backend, available] of [
    ["node:dgram", openDgram, true],
    ["mmsg", openMmsg, mmsgAvailable()],
  ] as const
) {
  Deno.test({
    name: `udx with ${name}: while a stream is busy, others have their turn`,
    ignore: !available,
    fn: async () => {
      const udx = new UDX({ backend });
      const [a, b] = [udx.createSocket(), udx.createSocket()];
      a.bind(0, HOST);
      b.bind(0, HOST);
      const [from, to] = [udx.createStream(1), udx.createStream(2)];
      from.connect(a, 2, b.address()!.port, HOST);
      to.connect(b, 1, a.address()!.port, HOST);
      const limit = AbortSignal.timeout(DEADLINE_MS);
      let carried = 0;
      to.on("data", (chunk: Uint8Array) => carried += chunk.length);
      const chunk = new Uint8Array(65_536);
      const fill = () => {
        while (!from.destroying && from.write(chunk));
      };
      from.on("drain", fill);
      fill();
      await once(to, "data", { signal: limit });
      const meanwhile: number[] = [];
      const isFair = () => meanwhile.some((bytes) => bytes < MOST_TIMES_AS_MUCH * OTHER_BYTES);
      while (!isFair() && meanwhile.length < ATTEMPTS) {
        const before = carried;
        await sendByTcp(OTHER_BYTES);
        meanwhile.push(carried - before);
      }
      assert.ok(isFair(), `${meanwhile.join(", ")} bytes of the stream`);
      from.destroy();
      to.destroy();
      await Promise.all([a.close(), b.close()]);
    },
  });
}
