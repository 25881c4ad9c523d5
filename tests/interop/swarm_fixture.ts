/** What the checks of the swarm against other BitTorrent clients have in common. */
import { createServer } from "node:http";
import { join } from "node:path";
import { abortable, deadline } from "../../lib/common/wait.ts";
import {
  concat,
  Fixture,
  makeTorrent,
  type TestTorrent,
} from "../unit/transports/torrent/swarm/fixture.ts";

export { assertWhole, Fixture } from "../unit/transports/torrent/swarm/fixture.ts";

/** Bytes of the file that the programs exchange. */
const SIZE = 5_000_000;
/** What a program may take for one thing: much, since a busy machine is slow. */
const PROGRAM_MS = 180_000;

export function interopTorrent(): TestTorrent {
  return makeTorrent(SIZE, 64 * 1024);
}

/** Registers a check that needs something; where that is missing, its name says so. */
export function checkWith(
  needs: string,
  probe: readonly string[] | boolean,
  name: string,
  check: () => Promise<void>,
): void {
  const ignore = !(typeof probe === "boolean" ? probe : runs(probe));
  Deno.test({ name: ignore ? `${name} (needs ${needs})` : name, ignore, fn: check });
}

function runs([command, ...args]: readonly string[]): boolean {
  try {
    const probe = new Deno.Command(command!, { args, stdout: "null", stderr: "null" });
    return probe.outputSync().success;
  } catch {
    return false;
  }
}

/** A tracker that answers every announce with one peer (BEP 3, BEP 23). */
export function tracker(
  fixture: Fixture,
  port: number,
  host = "127.0.0.1",
): Promise<{ announce: string }> {
  const peers = Uint8Array.of(...host.split(".").map(Number), port >> 8, port & 255);
  const answer = concat(`d8:intervali60e5:peers${peers.length}:`, peers, "e");
  const server = createServer((_request, response) => response.end(answer));
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      fixture.defer(() => void server.close());
      const { port } = server.address() as { port: number };
      resolve({ announce: `http://127.0.0.1:${port}/announce` });
    });
  });
}

/** Writes a .torrent file and says where. */
export async function torrentFile(
  fixture: Fixture,
  torrent: TestTorrent,
  announce: string,
): Promise<string> {
  const path = join(fixture.directory, `${torrent.name}.torrent`);
  await Deno.writeFile(
    path,
    concat(`d8:announce${announce.length}:${announce}4:info`, torrent.info, "e"),
  );
  return path;
}

/** A running program; disposing it ends it. */
export class Program implements AsyncDisposable {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #lines: string[] = [];
  #waiting: { pattern: RegExp; resolve: () => void }[] = [];

  constructor(command: string, args: readonly string[]) {
    this.#name = command;
    this.#process = new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: "/nonexistent" },
    }).spawn();
    this.#reading = Promise.all([
      this.#read(this.#process.stdout),
      this.#read(this.#process.stderr),
    ]);
  }

  /** Waits until the program has printed a line that matches. */
  async line(pattern: RegExp): Promise<string> {
    const seen = () => this.#lines.find((line) => pattern.test(line));
    if (seen() === undefined) {
      const printed = new Promise<void>((resolve) => this.#waiting.push({ pattern, resolve }));
      await this.#within(`to print ${pattern}`, Promise.race([printed, this.#reading]));
    }
    return seen() ?? this.#fail(`ended without printing ${pattern}`);
  }

  /** Waits until the program has ended well. */
  async ended(): Promise<void> {
    await this.#within("to end", this.#reading);
    if (!(await this.#process.status).success) this.#fail("failed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.#reading;
    await this.#process.status;
  }

  async #within(what: string, promise: Promise<unknown>): Promise<void> {
    using wait = deadline(PROGRAM_MS, `${this.#name} ${what}`);
    await abortable(promise, wait.signal).catch((error: Error) => this.#fail(error.message));
  }

  #fail(why: string): never {
    throw new Error(`${this.#name}: ${why}\n${this.#lines.slice(-20).join("\n")}`);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split(/[\r\n]+/);
      rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
        const found = lines.some((line) => pattern.test(line));
        if (found) resolve();
        return !found;
      });
    }
  }
}
