/**
 * Our UDX against udx-native on Node: throughput on loopback, and over a path of 40 ms (made by
 * this process) that loses 1 % of the packets each way. Every round measures all pairs, one after the other.
 *
 *     deno run -A scripts/bench/udx.ts [rounds]
 *
 * @module
 */
import { LossyPath, type PathOptions } from "../local/lossy_path.ts";
import { nativeUdx } from "../local/native_udx.ts";
import { type PeerOptions, UdxPeer } from "../local/udx_peer.ts";
import { compare, type Row, table } from "./table.ts";

const HOST = "127.0.0.1";
const LOOPBACK_BYTES = 200_000_000;
const FAR_BYTES = 30_000_000;
const FAR: PathOptions = { delay: 20, loss: 0.01 };

/** Sends from one peer to the other; returns MB/s. */
async function throughput(
  bytes: number,
  path: PathOptions | undefined,
  from: PeerOptions,
  to: PeerOptions,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const a = stack.use(new UdxPeer(from));
  const b = stack.use(new UdxPeer(to));
  let { port: portA } = await a.call("bind", { host: HOST });
  let { port: portB } = await b.call("bind", { host: HOST });
  if (path) portA = portB = stack.use(new LossyPath(HOST, portA, portB, path)).port;
  const stream = { host: HOST, unchecked: true };
  await a.call("stream", { ...stream, id: 1, remote: 2, port: portB });
  await b.call("stream", { ...stream, id: 2, remote: 1, port: portA });
  await b.call("write", { id: 2, bytes: 1000, open: true }); // as a handshake: both know the path
  const received = b.call("ended", { id: 2 });
  await a.call("write", { id: 1, bytes });
  const { ms } = await received;
  return bytes / 1e3 / ms;
}

/** All pairs, in each of so many rounds. */
async function measure(
  where: string,
  bytes: number,
  path: PathOptions | undefined,
  native: PeerOptions,
  rounds: number,
  goal: number,
): Promise<Row[]> {
  const pairs = {
    "ours to native": [{}, native],
    "native to ours": [native, {}],
    "ours to ours": [{}, {}],
    "ours (node:dgram) to native": [{ backend: "dgram" }, native],
    "native to ours (node:dgram)": [native, { backend: "dgram" }],
  } satisfies Record<string, [PeerOptions, PeerOptions]>;
  const results = new Map<string, number[]>();
  const add = (name: string, value: number) =>
    results.set(name, [...results.get(name) ?? [], value]);
  for (let round = 0; round < rounds; round++) {
    console.error(`... ${where}, round ${round + 1} of ${rounds}`);
    add("native", await throughput(bytes, path, native, native));
    for (const [name, [from, to]] of Object.entries(pairs)) {
      add(name, await throughput(bytes, path, from, to));
    }
  }
  const format = (value: number) => `${value.toFixed(1)} MB/s`;
  return Object.keys(pairs).map((name) =>
    compare(
      `UDX, ${where}: ${name}`,
      format,
      results.get(name)!,
      results.get("native")!,
      "native",
      {
        atLeast: goal,
      },
    )
  );
}

/**
 * The rows for the table of measures; what can't be measured here is said and left out.
 *
 * @param rounds of which the medians are taken
 */
export async function udxThroughput(rounds: number): Promise<Row[]> {
  const found = await nativeUdx();
  if ("reason" in found) {
    console.error(`... UDX is not measured: ${found.reason}`);
    return [];
  }
  const native = { native: found.folder };
  return [
    ...await measure("loopback", LOOPBACK_BYTES, undefined, native, rounds, 0.8),
    ...await measure("40 ms, 1 % loss", FAR_BYTES, FAR, native, rounds, 0.5),
  ];
}

if (import.meta.main) {
  console.log(table(await udxThroughput(Number(Deno.args[0] ?? 3))));
}
