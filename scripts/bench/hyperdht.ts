/**
 * hyperdht on our UDX against hyperdht with its native stack on Node, on loopback: connecting,
 * many streams at once, and a large transfer with the memory it takes.
 *
 *     deno run -A scripts/bench/hyperdht.ts
 *
 * @module
 */
import { HyperPeer, type PeerOptions } from "../local/hyperdht_peer.ts";
import { nativeUdx } from "../local/native_udx.ts";
import { bytes, compare, type Row, table } from "./table.ts";

const HOST = "127.0.0.1";
const CONNECTIONS = 30;
const STREAMS = 200;
const STREAM_BYTES = 50_000;
/** A first part, by which memory has reached what it takes, and the whole. */
const PART_BYTES = 250_000_000;
const WHOLE_BYTES = 1_000_000_000;

/** What one pair of peers gave. */
interface Figures {
  readonly connects: number[];
  readonly streams: number;
  /** MB/s. */
  readonly throughput: number;
  /** The most memory the sender and the receiver have had, before and after the whole. */
  readonly memory: readonly [before: number, after: number][];
}

async function measure(
  network: HyperPeer,
  from: PeerOptions,
  to: PeerOptions,
): Promise<Figures> {
  const { bootstrap } = await network.call("network", { hosts: Array(10).fill(HOST) });
  await using client = new HyperPeer(from);
  await using server = new HyperPeer(to);
  await Promise.all([client, server].map((peer) => peer.call("open", { host: HOST, bootstrap })));
  const echo = (await server.call("serve")).key;
  const connects: number[] = [];
  await client.call("connect", { key: echo, bytes: 1 }); // loads what is needed
  for (let i = 0; i < CONNECTIONS; i++) {
    connects.push((await client.call("connect", { key: echo, bytes: 1 })).ms);
  }
  const many = await client.call("many", { key: echo, count: STREAMS, bytes: STREAM_BYTES });
  const { key } = await server.call("take");
  const send = async (bytes: number) => {
    const { received, ms } = await client.call("send", { key, bytes });
    if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came`);
    return ms;
  };
  const memory = () =>
    Promise.all([client, server].map(async (peer) => (await peer.call("memory")).bytes));
  await send(PART_BYTES);
  const before = await memory();
  const ms = await send(WHOLE_BYTES);
  const after = await memory();
  return {
    connects,
    streams: many.ms,
    throughput: WHOLE_BYTES / 1e3 / ms,
    memory: before.map((value, i) => [value, after[i]!]),
  };
}

/** The rows for the table of measures; what can't be measured here is said and left out. */
export async function hyperdhtFigures(): Promise<Row[]> {
  const found = await nativeUdx();
  if ("reason" in found) {
    console.error(`... hyperdht is not measured: ${found.reason}`);
    return [];
  }
  const native = { native: found.folder };
  const pair = async (what: string, from: PeerOptions, to: PeerOptions) => {
    console.error(`... hyperdht: ${what}`);
    await using network = new HyperPeer(native);
    return await measure(network, from, to);
  };
  const reference = await pair("native", native, native);
  const pairs = {
    "ours to native": await pair("ours to native", {}, native),
    "native to ours": await pair("native to ours", native, {}),
    "ours to ours": await pair("ours to ours", {}, {}),
  };
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const rate = (value: number) => `${value.toFixed(1)} MB/s`;
  const against = (
    what: string,
    format: (value: number) => string,
    of: (figures: Figures) => readonly number[],
    goal?: { readonly atMost: number },
  ) =>
    Object.entries(pairs).map(([name, figures]) =>
      compare(`${what}: ${name}`, format, of(figures), of(reference), "native", goal)
    );
  const memory = Object.entries({ "native": reference, ...pairs }).map(([name, figures]) => ({
    what: `hyperdht, memory of sender and receiver after 250 MB, then 1 GB: ${name}`,
    ours: figures.memory.map(([a, b]) => `${bytes(a)}, ${bytes(b)}`).join("; "),
  }));
  return [
    ...against("hyperdht, connecting", ms, (f) => f.connects, { atMost: 1.5 }),
    ...against(`hyperdht, ${STREAMS} streams at once`, ms, (f) => [f.streams]),
    ...against("hyperdht, 1 GB encrypted", rate, (f) => [f.throughput]),
    ...memory,
  ];
}

if (import.meta.main) console.log(table(await hyperdhtFigures()));
