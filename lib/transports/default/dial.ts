/**
 * A live stream over git's smart HTTP: each request of protocol 2 is complete in itself
 * (gitprotocol-v2(5)), so each is one POST, and its answer is what follows in the stream.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { NetworkError, toGtrError, VerificationError } from "../../common/errors.ts";
import { abortable } from "../../common/wait.ts";
import type { OpenManifest } from "../../manifest/manifest.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import type { LiveStream } from "../../ports/streams.ts";
import { bodyOf, Connection, readWhole } from "./client.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { RequestCutter } from "./request_cutter.ts";
import { readManifest } from "./read_manifest.ts";

const SERVICE = "git-upload-pack";
/** Bytes of the capabilities of a server. */
const MAX_CAPABILITIES = 64 << 10;
/** What a server of gtr's takes. */
const MAX_REQUEST = 10 << 20;
const FLUSH = "0000";

/**
 * Dials one server. The stream ends when its connection does.
 *
 * @param signal ends the dialling; the stream ends by its own `close`
 * @throws {NetworkError} "no-live-peer" where it doesn't serve it; "unreachable"
 * @throws {VerificationError} where what it says is wrong
 */
export async function dialServer(
  server: Endpoint,
  from: SignedManifest,
  openManifest: OpenManifest,
  signal: AbortSignal,
): Promise<LiveStream> {
  const { publisher, name, sequence } = from.manifest;
  const peer = formatEndpoint(server);
  // Of its own: what aborts the dialling later must not end the stream.
  const dialling = new AbortController();
  const follow = () => dialling.abort(signal.reason);
  signal.addEventListener("abort", follow, { once: true });
  let connection: Connection | undefined;
  try {
    signal.throwIfAborted();
    connection = await Connection.open({ server, publisher }, dialling.signal);
    const home = `/${publisher}/${name}`;
    const reply = await connection.ask({ path: `${home}/manifest` }, dialling.signal);
    if (reply.statusCode !== 200) throw noLivePeer(peer, `it answers with ${reply.statusCode}`);
    const expect = { publicKey: publisher, name };
    const answer = bodyOf(reply, server, dialling.signal);
    const manifest = await readManifest(answer, expect, openManifest);
    if (manifest.manifest.sequence < sequence) throw noLivePeer(peer, "it holds an older state");
    const capabilities = await connection.ask({
      path: `${home}/info/refs?service=${SERVICE}`,
      headers: { "Git-Protocol": "version=2" },
    }, dialling.signal);
    checkReply(capabilities, "advertisement", peer);
    const body = bodyOf(capabilities, server, dialling.signal);
    const greeting = await readWhole(body, MAX_CAPABILITIES);
    return { ...converse(connection, `${home}/${SERVICE}`, greeting, server), manifest, peer };
  } catch (error) {
    connection?.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", follow);
  }
}

/** The two directions, once the server has said what it can do. */
function converse(
  connection: Connection,
  path: string,
  greeting: Uint8Array,
  server: Endpoint,
): Pick<LiveStream, "readable" | "writable" | "close"> {
  const peer = formatEndpoint(server);
  const ended = new AbortController();
  const { signal } = ended;
  const close = () => {
    ended.abort(new NetworkError("stream-cut", "the live stream was closed"));
    connection.close();
  };
  connection.onClose(close);
  const cutter = new RequestCutter(MAX_REQUEST);
  // One request is taken before anybody reads its answer; the next one waits for that.
  const requests = new TransformStream<Uint8Array, Uint8Array>(
    {
      transform(chunk, controller) {
        for (const request of cutter.push(chunk)) controller.enqueue(request);
      },
    },
    undefined,
    { highWaterMark: 1 },
  );
  const answers = async function* () {
    yield greeting;
    const reader = requests.readable.getReader();
    for (;;) {
      const { value, done } = await abortable(reader.read(), signal);
      if (done) return;
      const reply = await connection.ask({
        path,
        headers: {
          "Git-Protocol": "version=2",
          "Content-Type": `application/x-${SERVICE}-request`,
          "Accept": `application/x-${SERVICE}-result`,
        },
        body: value,
      }, signal);
      checkReply(reply, "result", peer);
      let end = "";
      for await (const chunk of bodyOf(reply, server, signal)) {
        end = (end + Buffer.from(chunk.subarray(-FLUSH.length)).toString("latin1"))
          .slice(-FLUSH.length);
        yield chunk;
      }
      if (end !== FLUSH) throw new NetworkError("stream-cut", `${peer} hung up in its answer`);
    }
  };
  const bytes = answers();
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await bytes.next();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(toGtrError(error));
      }
      close();
    },
    cancel: close,
  }, { highWaterMark: 0 });
  return { readable, writable: requests.writable, close };
}

function checkReply(
  reply: { statusCode?: number; headers: Record<string, unknown> },
  what: "advertisement" | "result",
  peer: string,
): void {
  if (reply.statusCode !== 200) throw noLivePeer(peer, `it answers with ${reply.statusCode}`);
  const type = reply.headers["content-type"];
  if (type === `application/x-${SERVICE}-${what}`) return;
  throw new VerificationError("bad-server", `can't use ${peer}: it doesn't speak git's smart HTTP`);
}

function noLivePeer(peer: string, why: string): NetworkError {
  return new NetworkError("no-live-peer", `can't dial ${peer}: ${why}`);
}
