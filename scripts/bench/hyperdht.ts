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
import { bytes, compare, type Row, table, time } from "./table.ts";

const HOST = "127.0.0.1";
const CONNECTIONS = 30;
const STREAMS = 200;
const ROUNDS = 3;
const STREAM_BYTES = 50_000;
/** A first part, by which memory has reached what it takes, and the whole. */
const PART_BYTES = 250_000_000;
const WHOLE_BYTES = 1_000_000_000;

/** The sides of a connection, by name. */
const PAIRS = {
  "native": ["native", "native"],
  "ours to native": ["ours", "native"],
  "native to ours": ["native", "ours"],
  "ours to ours": ["ours", "ours"],
} as const;

type Pair = keyof typeof PAIRS;

/** What one pair of peers gave. */
interface Figures {
  /** ms each. */
  readonly connects: number[];
  /** ms each. */
  readonly streams: number[];
  /** MB/s each. */
  readonly throughput: number[];
  /** The most memory the sender and the receiver have had, before and after the whole. */
  memory: readonly (readonly [before: number, after: number])[];
}

/** A network of native nodes, and options to open a peer in it. */
async function begin(native: PeerOptions, stack: AsyncDisposableStack) {
  const network = stack.use(new HyperPeer(native));
  const { bootstrap } = await network.call("network", { hosts: Array(10).fill(HOST) });
  return async (options: PeerOptions) => {
    const peer = stack.use(new HyperPeer(options));
    await peer.call("open", { host: HOST, bootstrap });
    return peer;
  };
}

/** Short things: all pairs in turn, so that what else the machine does affects all of them. */
async function measureConnects(native: PeerOptions, of: (pair: Pair) => Figures): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const open = await begin(native, stack);
  const clients = { native: await open(native), ours: await open({}) };
  const servers = { native: await open(native), ours: await open({}) };
  const keys = {
    native: (await servers.native.call("serve")).key,
    ours: (await servers.ours.call("serve")).key,
  };
  for (let i = -1; i < CONNECTIONS; i++) {
    for (const [name, [from, to]] of Object.entries(PAIRS)) {
      const { ms } = await clients[from].call("connect", { key: keys[to], bytes: 1 });
      if (i >= 0) of(name as Pair).connects.push(ms); // the first one loads what is needed
    }
  }
  for (let i = 0; i < ROUNDS; i++) {
    for (const [name, [from, to]] of Object.entries(PAIRS)) {
      const what = { key: keys[to], count: STREAMS, bytes: STREAM_BYTES };
      of(name as Pair).streams.push((await clients[from].call("many", what)).ms);
    }
  }
}

/** A large transfer between peers of its own, of whose memory this is all. */
async function measureTransfer(
  native: PeerOptions,
  from: PeerOptions,
  to: PeerOptions,
  figures: Figures,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const open = await begin(native, stack);
  const peers = [await open(from), await open(to)] as const;
  const { key } = await peers[1].call("take");
  const send = async (bytes: number) => {
    const { received, ms } = await peers[0].call("send", { key, bytes });
    if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came`);
    return ms;
  };
  const memory = () => Promise.all(peers.map(async (peer) => (await peer.call("memory")).bytes));
  await send(PART_BYTES);
  const before = await memory();
  figures.throughput.push(WHOLE_BYTES / 1e3 / await send(WHOLE_BYTES));
  const after = await memory();
  figures.memory = before.map((value, i) => [value, after[i]!] as const);
}

/** The rows for the table of measures; what can't be measured here is said and left out. */
export async function hyperdhtFigures(): Promise<Row[]> {
  const found = await nativeUdx();
  if ("reason" in found) {
    console.error(`... hyperdht is not measured: ${found.reason}`);
    return [];
  }
  const native = { native: found.folder };
  const all = new Map(
    Object.keys(PAIRS).map((name): [string, Figures] => [
      name,
      { connects: [], streams: [], throughput: [], memory: [] },
    ]),
  );
  console.error("... hyperdht: connecting");
  await measureConnects(native, (pair) => all.get(pair)!);
  const options = { native, ours: {} };
  for (let i = 1; i <= ROUNDS; i++) {
    console.error(`... hyperdht, 1 GB, round ${i} of ${ROUNDS}`);
    for (const [name, [from, to]] of Object.entries(PAIRS)) {
      await measureTransfer(native, options[from], options[to], all.get(name)!);
    }
  }
  const reference = all.get("native")!;
  const ours = [...all].filter(([name]) => name !== "native");
  const against = (
    what: string,
    format: (value: number) => string,
    of: (figures: Figures) => readonly number[],
    goal?: { readonly atMost: number },
  ) =>
    ours.map(([name, figures]) =>
      compare(`${what}: ${name}`, format, of(figures), of(reference), "native", goal)
    );
  const each = (figures: Figures) =>
    figures.memory.map(([a, b]) => `${bytes(a)} then ${bytes(b)}`).join("; ");
  const memory = ours.map(([name, figures]) => ({
    what: `hyperdht, memory of sender; receiver, at 250 MB then 1 GB: ${name}`,
    ours: each(figures),
    reference: `native ${each(reference)}`,
  }));
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const rate = (value: number) => `${value.toFixed(1)} MB/s`;
  return [
    ...against("hyperdht, connecting", ms, (f) => f.connects, { atMost: 1.5 }),
    ...against(`hyperdht, ${STREAMS} streams at once`, time, (f) => f.streams),
    ...against("hyperdht, 1 GB encrypted", rate, (f) => f.throughput),
    ...memory,
  ];
}

if (import.meta.main) console.log(table(await hyperdhtFigures()));
