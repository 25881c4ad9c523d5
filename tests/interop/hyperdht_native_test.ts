/**
 * npm's hyperdht on our UDX, with the native stack on Node on the other side.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import DHT from "hyperdht";
import { openDgram, openFastest, UDX } from "@gtr/udx";
import { nativeUdx } from "../../scripts/local/native_udx.ts";

const HOST = "127.0.0.1";
const SCRIPT = join(import.meta.dirname!, "hyperdht_node.mjs");
const DEADLINE_MS = 60_000;
const BYTES = 2_000_000;

const found = await nativeUdx();
const reason = "reason" in found ? ` (${found.reason})` : "";

/** The process with Node. */
class NodeSide implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: AsyncIterator<string>;
  #rest = "";

  constructor(folder: string) {
    this.#child = new Deno.Command("node", {
      args: [SCRIPT, folder],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  }

  /** The next line that it prints. */
  async line(): Promise<Record<string, unknown>> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#output.next();
      if (done) throw new Error("the process with Node has ended");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  async say(what: Record<string, unknown>): Promise<void> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(what) + "\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#output.return?.();
    await this.#child.status;
  }
}

for (const [name, backend] of [["fastest", openFastest], ["node:dgram", openDgram]] as const) {
  Deno.test({
    name: `hyperdht: with ${name} sockets, Node's serves us and ours serves Node${reason}`,
    ignore: reason !== "",
    fn: async () => {
      await using node = new NodeSide("folder" in found ? found.folder : "");
      const { port, key } = await node.line();
      const udx = new UDX({ backend });
      const dht = new DHT({ udx, host: HOST, bootstrap: [{ host: HOST, port }] });
      await dht.fullyBootstrapped();
      const keys = DHT.keyPair();

      await dht.mutablePut(keys, Buffer.from("of ours"));
      assert.equal(String((await dht.mutableGet(keys.publicKey)).value), "of ours");

      const data = Buffer.alloc(BYTES, "from Deno, ");
      const stream = dht.connect(Buffer.from(String(key), "hex"));
      const closed = new Promise((resolve) => stream.once("close", resolve));
      const hash = createHash("sha1");
      let received = 0;
      const echoed = new Promise<void>((resolve, reject) => {
        stream.on("error", reject);
        stream.on("data", (chunk: Uint8Array) => {
          hash.update(chunk);
          if ((received += chunk.length) >= BYTES) resolve();
        });
      });
      stream.write(data);
      await echoed;
      assert.equal(hash.digest("hex"), createHash("sha1").update(data).digest("hex"));
      stream.end();
      await closed;

      const server = dht.createServer((stream: NodeJS.ReadWriteStream) => {
        stream.on("error", () => {}); // it goes as it likes
        stream.pipe(stream);
      });
      await server.listen(keys);
      await node.say({ connect: keys.publicKey.toString("hex"), bytes: BYTES });
      assert.deepEqual(await node.line(), { same: true, received: BYTES });
      await server.close();
      await dht.destroy();
    },
  });
}
