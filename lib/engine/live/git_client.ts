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
import { type GtrError, NetworkError, toGtrError, VerificationError } from "../../common/errors.ts";
import { VERSION } from "../../common/version.ts";
import { abortable, idleDeadline } from "../../common/wait.ts";
import { advertisement, FETCH_FEATURES, lsRefs } from "../../git_interface/ls_refs.ts";
import { type Packet, packetOf, PacketReader, textOf } from "../../common/pkt_line.ts";
import type { Manifest } from "../../manifest/types.ts";
import type { Duplex, LiveStream } from "../../ports/streams.ts";

/** Bytes of a request: a hundred thousand blobs' ids are 5 MB. */
const MAX_REQUEST = 64 << 20;
/** Bytes of one that a peer has to take at a time. */
const PIECE = 64 << 10;
/** With which every packet of our own begins: none has 4,096 bytes. */
const FIRST_BYTE = new TextEncoder().encode("0");
const MAX_CAPABILITIES = 100;
/** Sections of an answer to `fetch`; others were not asked for. */
const SECTIONS = ["acknowledgments", "shallow-info", "packfile"];

/** How {@linkcode joinLive} is told what may take how long, and whom to tell of faults. */
export interface JoinOptions {
  /** Milliseconds without a packet from the peer while git waits for one. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
  /** Told of each packet that the peer sends, with its bytes. What it throws ends the stream. */
  readonly received?: (bytes: number) => void;
  /** Counts a peer that breaks the protocol. */
  readonly dropped: (reason: string) => void;
}

/**
 * Serves git from the peer until git hangs up. What goes wrong is told git in its own protocol; then
 * both sides are closed.
 *
 * @returns what went wrong, if anything did
 */
export async function joinLive(
  git: Duplex,
  peer: LiveStream,
  options: JoinOptions,
): Promise<GtrError | undefined> {
  const { manifest } = peer.manifest;
  const toGit = git.writable.getWriter();
  const tellGit = (raw: Uint8Array) => abortable(toGit.write(raw), options.signal);
  let isBegun = false;
  const send = async (raw: Uint8Array) => {
    const rest = isBegun ? raw.subarray(FIRST_BYTE.length) : raw;
    isBegun = false;
    await tellGit(rest);
  };
  // git writes `ls-refs` bit by bit, and TCP holds back all but the first until that is acknowledged,
  // which takes 40 ms unless there is something to send.
  const begin = async () => {
    await tellGit(FIRST_BYTE);
    isBegun = true;
  };
  const answer: Answer = { inPack: false };
  let isAsking = false;
  let failure: GtrError | undefined;
  try {
    const fromGit = new PacketReader(git.readable);
    const fromPeer = new PacketReader(peer.readable);
    const toPeer = peer.writable.getWriter();
    const onPeer = <T>(work: Promise<T>) => withoutBreak(work, peer, options);
    const read = async () => {
      const packet = await onPeer(nextOf(fromPeer));
      options.received?.(packet.raw.length);
      return packet;
    };
    for (const packet of advertisement(manifest, `gtr/${VERSION}`)) await tellGit(packet);
    let greeted = false;
    for (;;) {
      const request = await abortable(readRequest(fromGit, begin), options.signal);
      if (!request) break;
      if (request.command === "ls-refs") {
        for (const packet of lsRefs(manifest, request.args)) await send(packet);
        continue;
      }
      isAsking = true;
      if (!greeted) await checkCapabilities(read, manifest);
      greeted = true;
      const { raw } = request;
      for (let at = 0; at < raw.length; at += PIECE) {
        await onPeer(toPeer.write(raw.subarray(at, at + PIECE)));
      }
      await relayAnswer(read, tellGit, request.args, answer);
      isAsking = false;
    }
  } catch (error) {
    failure = toGtrError(error);
    if (isAsking && error instanceof VerificationError) options.dropped(`live-${failure.code}`);
    const text = `gtr: ${failure.message.slice(0, 500)}\n`;
    // Within a pack git listens to side bands only (3: fatal error).
    await send(packetOf(answer.inPack ? `\x03${text}` : `ERR ${text}`)).catch(() => {});
  } finally {
    await abortable(toGit.close(), options.signal).catch(() => {}); // git may have hung up
    peer.close(isAsking && !options.signal.aborted);
  }
  return failure;
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

/** git's next request; undefined if it has hung up or said goodbye. */
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

async function nextOf(peer: PacketReader): Promise<Packet> {
  const packet = await peer.next();
  if (packet) return packet;
  throw new Error("the peer hung up");
}

/** What the peer has to do next. Only this time is its own: git may take all that it needs. */
async function withoutBreak<T>(
  work: Promise<T>,
  { peer, manifest }: LiveStream,
  { idleMs: ms, signal }: JoinOptions,
): Promise<T> {
  using idle = idleDeadline(ms, `objects of ${manifest.manifest.name} from ${peer}`, signal);
  try {
    return await abortable(work, idle.signal);
  } catch (error) {
    if (idle.signal.aborted || error instanceof VerificationError) throw error;
    throw new NetworkError("stream-cut", `the live stream from ${peer} was cut off`, {
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
  if (format !== objectFormat) throw badServer(`its repository is not a ${objectFormat} one`);
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
    if (packet.kind === "end") throw badServer("its answer is not one to a fetch");
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
