/**
 * A large pack, downloaded by gtr's swarm and by aria2c from the same gtd.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { basename, join } from "node:path";
import { PackHasher, packInfo } from "../../lib/manifest/pack_torrent.ts";
import { Swarm } from "../../lib/transports/torrent/swarm/swarm.ts";
import type { LocalNode } from "../local/node.ts";
import { type Bench, DEADLINE_MS } from "./measures.ts";
import { absolute, compare, type Row } from "./table.ts";

/** So large that the starts of either program, a second for aria2c, don't decide. */
const LARGE_BYTES = 128 * 1024 * 1024;

interface Pack {
  readonly size: number;
  readonly infohash: string;
  /** The bencoded info dictionary. */
  readonly info: Uint8Array;
}

/** Bytes per second of both; gtr's alone where there is no aria2c. */
export async function downloads(bench: Bench): Promise<Row> {
  await shareLargeFile(bench.publisher);
  const pack = await largestPack(bench.publisher);
  const [host, port] = String(
    (await bench.publisher.status()).transports.torrent?.listen,
  ).split(":");
  const seeder = { host: host!, port: Number(port) };
  const aria2c = await bench.publisher.run(["aria2c", "--version"], { allowFail: true })
    .then(({ code }) => code === 0, () => false);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < bench.runs; i++) {
    const into = join(bench.sandbox.folder, `downloads-${i}`);
    await Deno.mkdir(into);
    if (aria2c) theirs.push(await byAria2c(bench.publisher, pack, seeder, into));
    ours.push(await bySwarm(pack, seeder, into));
    await Deno.remove(into, { recursive: true });
  }
  const rate = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB/s`;
  const what = `download of ${(pack.size / 1e6).toFixed(0)} MB`;
  if (!aria2c) return absolute(`${what} (no aria2c here)`, rate, ours);
  return compare(what, rate, ours, theirs, "aria2c", { atLeast: 0.8 });
}

interface Seeder {
  readonly host: string;
  readonly port: number;
}

async function bySwarm(pack: Pack, seeder: Seeder, folder: string): Promise<number> {
  await using swarm = await Swarm.open({
    host: seeder.host,
    port: 0,
    maxConnections: 80,
    uploadSlots: 8,
    uploadRate: 0,
    dropped: () => {},
    log: () => {},
  });
  const started = performance.now();
  await swarm.fetch({
    infohash: pack.infohash,
    maxLength: pack.size,
    into: join(folder, "ours"),
    peers: [seeder],
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  return pack.size / ((performance.now() - started) / 1000);
}

/** aria2c has to be told of the peer by a tracker: there is one here, for this one answer. */
async function byAria2c(
  node: LocalNode,
  pack: Pack,
  seeder: Seeder,
  folder: string,
): Promise<number> {
  const peer = [...seeder.host.split(".").map(Number), seeder.port >> 8, seeder.port & 255];
  const answer = Buffer.concat([
    Buffer.from("d8:intervali1800e5:peers6:"),
    Buffer.from(peer),
    Buffer.from("e"),
  ]);
  await using tracker = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(answer),
  );
  const announce = `http://127.0.0.1:${tracker.addr.port}/announce`;
  const torrent = join(folder, "pack.torrent");
  await Deno.writeFile(
    torrent,
    Buffer.concat([
      Buffer.from(`d8:announce${announce.length}:${announce}4:info`),
      pack.info,
      Buffer.from("e"),
    ]),
  );
  const { stdout, ms } = await node.run([
    "aria2c",
    "--no-conf",
    "--enable-dht=false",
    "--bt-enable-lpd=false",
    "--seed-time=0",
    "--file-allocation=none",
    "--check-certificate=false",
    "--summary-interval=0",
    `--dir=${folder}`,
    torrent,
  ]);
  // Its own figure leaves its start and the tracker out, as ours does.
  const [, rate, unit] = /\|OK\s*\|\s*([\d.]+)([KMG]?)iB\/s\|/.exec(stdout) ?? [];
  if (!rate) return pack.size / (ms / 1000);
  return Number(rate) * 1024 ** ("KMG".indexOf(unit!) + 1);
}

/** Shares one more repository, with a file that doesn't compress. */
async function shareLargeFile(node: LocalNode): Promise<void> {
  await node.git(".", "init", "--quiet", "large");
  const file = new Uint8Array(LARGE_BYTES);
  for (let at = 0; at < file.length; at += 65536) {
    crypto.getRandomValues(file.subarray(at, at + 65536));
  }
  await Deno.writeFile(join(node.folder, "large", "file.bin"), file);
  await node.git("large", "config", "core.compression", "0");
  await node.git("large", "add", "file.bin");
  await node.git("large", "commit", "--quiet", "-m", "Add a large file");
  await node.run(["gtr", "init"], { cwd: join(node.folder, "large") });
}

/** The largest pack in the node's store, with its torrent. */
async function largestPack(node: LocalNode): Promise<Pack> {
  const packs: { path: string; size: number }[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) await walk(path);
      else if (/^pack-[0-9a-f]{64}\.pack$/.test(entry.name)) {
        packs.push({ path, size: (await Deno.stat(path)).size });
      }
    }
  };
  await walk(join(node.env.GTR_HOME!, "store"));
  const largest = packs.sort((a, b) => b.size - a.size)[0];
  if (!largest) throw new Error("the publisher's store holds no pack");
  const hasher = new PackHasher(largest.size);
  hasher.update(await Deno.readFile(largest.path));
  const { sha256, infohash, pieces } = hasher.digest();
  if (basename(largest.path) !== `pack-${sha256}.pack`) {
    throw new Error("a pack is not what it says");
  }
  return { size: largest.size, infohash, info: packInfo(sha256, largest.size, pieces) };
}
