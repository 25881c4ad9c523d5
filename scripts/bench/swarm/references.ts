/**
 * What a swarm of gtr is compared with: `git daemon`, which sends all to each, and libtorrent.
 *
 * @module
 */
import { join } from "node:path";
import { pieceLength } from "../../../lib/manifest/pack_torrent.ts";
import { type Environment, run } from "../../local/run.ts";
import type { LimitedHost } from "./limited_network.ts";

const PYTHON = "/usr/bin/python3";
const PEER = join(import.meta.dirname!, "libtorrent_peer.py");
const DEADLINE_MS = 600_000;

/** How a distribution to all readers went. */
export interface Distribution {
  /** Milliseconds until each reader had it, in no order. */
  readonly times: readonly number[];
  /** Bytes that the publisher sent. */
  readonly sent: number;
}

/** What is measured with. */
export interface ReferenceParts {
  readonly env: Environment;
  readonly folder: string;
  /** The bare repository, in `folder`. */
  readonly reference: string;
  readonly publisher: LimitedHost;
  readonly readers: readonly LimitedHost[];
}

/** All readers clone at once from one `git daemon`. */
export async function byGitDaemon(parts: ReferenceParts): Promise<Distribution> {
  const { env, folder, reference, publisher, readers } = parts;
  const binary = join((await run(["git", "--exec-path"], { env })).stdout.trim(), "git-daemon");
  const limits = ["--reuseaddr", "--export-all", "--max-connections=0", "--init-timeout=60"];
  await using _daemon = start(
    [...publisher.within, binary, ...limits, `--base-path=${folder}`, folder],
    env,
  );
  const url = `git://${publisher.address}/${reference.slice(folder.length + 1)}`;
  for (let tries = 0;; tries++) {
    const command = [...readers[0]!.within, "git", "ls-remote", "--quiet", url];
    if ((await run(command, { env, allowFail: true })).code === 0) break;
    if (tries === 50) throw new Error("git daemon does not answer");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const before = await publisher.sent();
  const times = await Promise.all(readers.map(async (reader, n) => {
    const clone = ["git", "clone", "--quiet", "--no-checkout", url, join(folder, `native-${n}`)];
    return (await run([...reader.within, ...clone], { env, deadline: DEADLINE_MS })).ms;
  }));
  return { times, sent: await publisher.sent() - before };
}

/** Whether Debian's python3-libtorrent is here. */
export async function hasLibtorrent(env: Environment): Promise<boolean> {
  const command = [PYTHON, "-c", "import libtorrent"];
  return await run(command, { env }).then(() => true, () => false);
}

/** All readers fetch the repository's pack at once, each told of all others. */
export async function byLibtorrent(parts: ReferenceParts): Promise<Distribution> {
  const { env, folder, reference, publisher, readers } = parts;
  const packs = join(reference, "objects", "pack");
  const names = (await Array.fromAsync(Deno.readDir(packs))).map(({ name }) => name);
  const pack = names.find((name) => name.endsWith(".pack"))!;
  const length = pieceLength((await Deno.stat(join(packs, pack))).size);
  const torrent = join(folder, "reference.torrent");
  await run([PYTHON, PEER, "make", join(packs, pack), torrent, String(length)], { env });
  const addresses = [publisher, ...readers].map(({ address }) => address);
  await using stack = new AsyncDisposableStack();
  const begin = async (host: LimitedHost, mode: string, place: string) => {
    const others = addresses.filter((address) => address !== host.address);
    const args = [PYTHON, PEER, mode, torrent, place, host.address, ...others];
    const peer = stack.use(start([...host.within, ...args], env));
    await peer.line("ready");
    return peer;
  };
  const peers = [await begin(publisher, "seed", packs)];
  for (const [n, reader] of readers.entries()) {
    const place = join(folder, `libtorrent-${n}`);
    await Deno.mkdir(place);
    peers.push(await begin(reader, "get", place));
  }
  const before = await publisher.sent();
  const started = performance.now();
  for (const peer of peers) await peer.go();
  const times = await Promise.all(
    peers.slice(1).map(async (peer) => {
      await peer.line("done");
      return performance.now() - started;
    }),
  );
  return { times, sent: await publisher.sent() - before };
}

interface Running extends AsyncDisposable {
  /** Resolves when the program has printed this line. */
  line(text: string): Promise<void>;
  /** Sends it an empty line. */
  go(): Promise<void>;
}

function start(command: readonly string[], env: Environment): Running {
  const [program, ...args] = command;
  const options = { args, env: { ...env }, clearEnv: true, stderr: "null" } as const;
  const child = new Deno.Command(program!, { ...options, stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    line: async (wanted) => {
      while (!text.split("\n").includes(wanted)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`${program} ended before "${wanted}"`);
        text += value;
      }
    },
    go: () => writer.write(new TextEncoder().encode("\n")),
    [Symbol.asyncDispose]: async () => {
      await writer.close().catch(() => {});
      await reader.cancel().catch(() => {});
      try {
        child.kill("SIGTERM");
      } catch {
        // it has ended by itself
      }
      await child.status;
    },
  };
}
