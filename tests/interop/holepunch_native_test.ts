/**
 * The Holepunch network with a peer that has nothing of gtr: Node, with HyperDHT's native stack.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { Home } from "../../lib/common/home.ts";
import { Settings } from "../../lib/common/settings.ts";
import { deadline } from "../../lib/common/wait.ts";
import type { PublisherKey } from "../../lib/identity/keys.ts";
import { encodeEnvelope } from "../../lib/manifest/envelope.ts";
import { PackHasher, pieceLength } from "../../lib/manifest/pack_torrent.ts";
import { bitsOf, pieceCount } from "../../lib/transports/holepunch/exchange/piece_set.ts";
import { OpenHolepunch } from "../../lib/transports/holepunch/network.ts";
import { topicOf } from "../../lib/transports/holepunch/topic.ts";
import { nativeUdx } from "../../scripts/local/native_udx.ts";
import {
  fetchBytes,
  makeManifest,
  makePack,
  publish,
  resolveLast,
  testKey,
} from "../contract/publications.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

const SCRIPT = join(import.meta.dirname!, "holepunch_node.mjs");
const DEADLINE_MS = 60_000;

const found = await nativeUdx();
const reason = "reason" in found ? ` (${found.reason})` : "";
const [alice, bob] = [testKey(1), testKey(2)];

/** A node of ours in the network that Node has made. */
async function open(folder: string, port: unknown, key: PublisherKey): Promise<OpenHolepunch> {
  const env: Record<string, string> = {
    GTR_TRANSPORTS: "holepunch",
    GTR_HOLEPUNCH_HOST: "127.0.0.1",
    GTR_HOLEPUNCH_BOOTSTRAP: `127.0.0.1:${port}`,
    GTR_HOLEPUNCH_DHTPACKS: "0",
  };
  const settings = await Settings.load(new Home(folder), (name) => env[name]);
  using limit = deadline(DEADLINE_MS, "a node to open");
  return OpenHolepunch.open({
    settings,
    cache: folder,
    key,
    live: () => Promise.resolve(undefined),
    openManifest,
    gitConfig: () => Promise.resolve(undefined),
    log: () => {},
    dropped: () => {},
  }, limit);
}

Deno.test({
  name: `holepunch: Node's native stack fetches from us, and we from it${reason}`,
  ignore: reason !== "",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const child = new Deno.Command("node", {
      args: [SCRIPT, "folder" in found ? found.folder : ""],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    let rest = "";
    const line = async () => {
      while (!rest.includes("\n")) {
        const { value, done } = await output.next();
        assert.ok(!done, "the process with Node has ended");
        rest += value;
      }
      const end = rest.indexOf("\n");
      const text = rest.slice(0, end);
      rest = rest.slice(end + 1);
      return JSON.parse(text);
    };
    const input = child.stdin.getWriter();
    const say = (what: unknown) =>
      input.write(new TextEncoder().encode(`${JSON.stringify(what)}\n`));
    try {
      const { port } = await line();
      const file = await makePack(folder, 700_000);
      await using a = await open(folder, port, alice);
      const signed = makeManifest(alice, a, { packs: [file.pack] });
      const envelope = encodeEnvelope(signed);
      await publish(a, signed, [file]);

      const sha1 = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest("hex");
      const ask = async (request: Record<string, unknown>) => {
        await say({ ask: { version: 1, ...request }, key: a.endpoints()[0] });
        return await line();
      };
      assert.deepEqual(await ask({ want: "manifest", id: alice.id, name: "hello" }), {
        answer: { version: 1, bytes: envelope.length },
        sha1: sha1(envelope),
      });
      const { sha256 } = file.pack;
      const bytes = await Deno.readFile(file.path);
      const piece = pieceLength(file.pack.size);
      assert.deepEqual(await ask({ want: "pack", sha256, first: 8, of: "70", most: 2 }), {
        answer: { version: 1, bytes: 2 * piece, piece: 9 },
        sha1: sha1(bytes.subarray(9 * piece, 11 * piece)),
      });
      assert.deepEqual(await ask({ want: "manifest", id: alice.id, name: "other" }), {
        answer: { version: 1, refused: "unknown" },
      });

      // Another repository, which only Node has.
      const other = await makePack(folder, 700_000);
      const theirs = makeManifest(alice, a, { name: "theirs", packs: [other.pack] });
      const hasher = new PackHasher(other.pack.size);
      hasher.update(await Deno.readFile(other.path));
      const written = async (content: Uint8Array) => {
        const path = join(folder, randomBytes(8).toString("hex"));
        await Deno.writeFile(path, content);
        return path;
      };
      await say({
        topic: topicOf(alice.id, "theirs").toString("hex"),
        serve: [
          {
            request: { want: "manifest", name: "theirs" },
            file: await written(encodeEnvelope(theirs)),
          },
          {
            request: { want: "pieces", sha256: other.pack.sha256 },
            file: await written(hasher.digest().pieces),
          },
          {
            request: { want: "have", sha256: other.pack.sha256 },
            file: await written(bitsOf(() => true, 0, pieceCount(other.pack.size))),
          },
          {
            request: { want: "pack", sha256: other.pack.sha256 },
            file: other.path,
            piece: pieceLength(other.pack.size),
          },
        ],
      });
      assert.match((await line()).key, /^[0-9a-f]{64}$/);
      await using b = await open(folder, port, bob);
      assert.deepEqual(await resolveLast(b, alice, "theirs"), theirs);
      assert.deepEqual(
        await fetchBytes(b, other.pack, theirs, join(folder, "into")),
        await Deno.readFile(other.path),
      );
    } finally {
      await input.close().catch(() => {});
      await output.return?.();
      await child.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});
