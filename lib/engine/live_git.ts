/**
 * git's client here, `git upload-pack` of a peer there, and between them what keeps the peer honest.
 *
 * The peer is never asked for its refs: they are in the manifest, which its publisher signed, and
 * are told git from there. So a peer can't move, add or hide a branch. All else that it sends are
 * objects, which git names by their content. Of what remains it may only do what git asked for: it
 * can't make the clone shallow, or send git elsewhere.
 *
 * @module
 */
import { NetworkError, toGtrError, VerificationError } from "../common/errors.ts";
import { VERSION } from "../common/version.ts";
import { abortable, idleDeadline } from "../common/wait.ts";
import { advertisement, FETCH_FEATURES, lsRefs } from "../git_interface/ls_refs.ts";
import { type Packet, packetOf, PacketReader, textOf } from "../git_interface/pkt_line.ts";
import type { Manifest } from "../manifest/types.ts";
import type { Duplex, LiveStream } from "../transports/transport.ts";

/** Bytes of a request: a hundred thousand blobs' ids are 5 MB. */
const MAX_REQUEST = 64 << 20;
/** With which every packet of our own begins: none has 4,096 bytes. */
const FIRST_BYTE = new TextEncoder().encode("0");
const MAX_CAPABILITIES = 100;
/** Sections of an answer to `fetch`; others were not asked for. */
const SECTIONS = ["acknowledgments", "shallow-info", "packfile"];

/** How {@linkcode joinLive} is told what may take how long, and whom to tell of faults. */
export interface JoinOptions {
  /** Milliseconds without a packet from the peer while git waits for one. */
  readonly idle: number;
  readonly signal: AbortSignal;
  /** Counts a peer that breaks the protocol. */
  readonly dropped: (reason: string) => void;
}

/**
 * Serves git from the peer until git hangs up. What goes wrong is told git in its own protocol, so
 * that a person reads it; then both sides are closed.
 */
export async function joinLive(git: Duplex, peer: LiveStream, options: JoinOptions): Promise<void> {
  const { manifest } = peer.manifest;
  const toGit = git.writable.getWriter();
  let isBegun = false;
  const send = async (raw: Uint8Array) => {
    const rest = isBegun ? raw.subarray(FIRST_BYTE.length) : raw;
    isBegun = false;
    await toGit.write(rest);
  };
  // git writes `ls-refs` bit by bit, and TCP holds back all but the first until that is acknowledged,
  // which takes 40 ms unless there is something to send.
  const begin = async () => {
    await toGit.write(FIRST_BYTE);
    isBegun = true;
  };
  const answer: Answer = { inPack: false };
  try {
    const fromGit = new PacketReader(git.readable);
    const fromPeer = new PacketReader(peer.readable);
    const toPeer = peer.writable.getWriter();
    for (const packet of advertisement(manifest, `gtr/${VERSION}`)) await toGit.write(packet);
    let greeted = false;
    for (;;) {
      const request = await abortable(readRequest(fromGit, begin), options.signal);
      if (!request) break;
      if (request.command === "ls-refs") {
        for (const packet of lsRefs(manifest, request.args)) await send(packet);
        continue;
      }
      using idle = idleDeadline(
        options.idle,
        `objects of ${manifest.name} from ${peer.peer}`,
        options.signal,
      );
      const read = () => receive(fromPeer, idle, peer.peer);
      if (!greeted) await checkCapabilities(read, manifest);
      greeted = true;
      await abortable(toPeer.write(request.raw), idle.signal);
      await relayAnswer(read, (raw) => toGit.write(raw), request.args, answer);
    }
  } catch (error) {
    const { code, message } = toGtrError(error);
    if (error instanceof VerificationError) options.dropped(`live-${code}`);
    const text = `gtr: ${message.slice(0, 500)}\n`;
    // Within a pack git listens to side bands only (3: fatal error).
    await send(packetOf(answer.inPack ? `\x03${text}` : `ERR ${text}`)).catch(() => {});
  } finally {
    await toGit.close().catch(() => {});
    peer.close();
  }
}

interface Request {
  readonly command: string;
  readonly args: readonly string[];
  readonly raw: Uint8Array;
}

/** What has been passed on of an answer. */
interface Answer {
  inPack: boolean;
}

/** git's next request; undefined where it has hung up or said goodbye. */
async function readRequest(
  git: PacketReader,
  begin: () => Promise<void>,
): Promise<Request | undefined> {
  const packets: Packet[] = [];
  let bytes = 0;
  for (;;) {
    const packet = await git.next();
    if (!packet || (packet.kind === "flush" && packets.length === 0)) return undefined;
    packets.push(packet);
    if (packets.length === 1 && textOf(packet) === "command=ls-refs") await begin();
    bytes += packet.raw.length;
    if (bytes > MAX_REQUEST) throw new NetworkError("bad-request", "git asks for too much at once");
    if (packet.kind === "flush") break;
  }
  const command = /^command=(ls-refs|fetch)$/.exec(textOf(packets[0]!))?.[1];
  if (!command) throw new NetworkError("bad-request", "git asks a live peer for what it can't do");
  const delimiter = packets.findIndex(({ kind }) => kind === "delimiter");
  const args = delimiter < 0 ? [] : packets.slice(delimiter + 1, -1).map(textOf);
  const raw = new Uint8Array(bytes);
  let at = 0;
  for (const packet of packets) {
    raw.set(packet.raw, at);
    at += packet.raw.length;
  }
  return { command, args, raw };
}

async function receive(
  peer: PacketReader,
  idle: { readonly signal: AbortSignal; readonly touch: () => void },
  who: string,
): Promise<Packet> {
  try {
    const packet = await abortable(peer.next(), idle.signal);
    if (!packet) throw new Error("the peer hung up");
    idle.touch();
    return packet;
  } catch (error) {
    if (idle.signal.aborted || error instanceof VerificationError) throw error;
    throw new NetworkError("stream-cut", `the live stream from ${who} was cut off`, {
      cause: error,
    });
  }
}

/** What git was told that the server can do must be true. */
async function checkCapabilities(
  read: () => Promise<Packet>,
  { objectFormat }: Manifest,
): Promise<void> {
  const lines: string[] = [];
  for (let packet = await read(); packet.kind === "data"; packet = await read()) {
    lines.push(textOf(packet));
    if (lines.length > MAX_CAPABILITIES) throw badServer("it lists no end of capabilities");
  }
  if (lines[0] !== "version 2") throw badServer("it doesn't speak git's protocol 2");
  const value = (name: string) =>
    lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  const features = value("fetch")?.split(" ") ?? [];
  const lacking = FETCH_FEATURES.find((feature) => !features.includes(feature));
  if (lacking !== undefined) throw badServer(`it can't fetch with '${lacking}'`);
  const format = value("object-format") ?? "sha1";
  if (format !== objectFormat) throw badServer(`its repository is a ${format} one`);
}

/** Passes the answer to one `fetch` on, as far as it is one. */
async function relayAnswer(
  read: () => Promise<Packet>,
  write: (raw: Uint8Array) => Promise<void>,
  args: readonly string[],
  answer: Answer,
): Promise<void> {
  const mayBeShallow = args.some((arg) => /^(shallow|deepen)/.test(arg));
  let atStart = true;
  for (;;) {
    const packet = await read();
    if (packet.kind === "end") throw badServer("its answer is none to a fetch");
    if (!answer.inPack && packet.kind === "data" && atStart) {
      const section = textOf(packet);
      if (!section.startsWith("ERR ") && !SECTIONS.includes(section)) {
        throw badServer("it answers what was not asked");
      }
      if (section === "shallow-info" && !mayBeShallow) {
        throw badServer("it would make the clone shallow, which was not asked for");
      }
      answer.inPack = section === "packfile";
    }
    atStart = packet.kind === "delimiter";
    await write(packet.raw);
    if (packet.kind !== "flush") continue;
    answer.inPack = false;
    return;
  }
}

function badServer(why: string): VerificationError {
  return new VerificationError("bad-server", `can't use a live peer: ${why}`);
}
