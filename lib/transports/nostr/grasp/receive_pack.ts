/**
 * What a client and `git receive-pack` say to each other (gitprotocol-pack(5), gitprotocol-http(5)).
 *
 * @module
 */
import { NetworkError, VerificationError } from "../../../common/errors.ts";
import { FLUSH, packetOf, PacketReader, textOf } from "../../../common/pkt_line.ts";
import { printableLine } from "../../../common/printable.ts";
import type { Manifest } from "../../../manifest/types.ts";

/** What a server has, and can do. */
export interface Advertisement {
  /** Full ref name -> object id. */
  readonly refs: ReadonlyMap<string, string>;
  readonly capabilities: ReadonlySet<string>;
}

/** One ref that is to change; all zeros stand for none. */
export interface Command {
  readonly ref: string;
  readonly from: string;
  readonly to: string;
}

const MAX_REFS = 100_000;
/** Bytes of all refs. */
const MAX_ADVERTISEMENT = 32 << 20;
const MAX_REPORT = 100_000;
const MAX_REASONS = 5;
const MAX_REASON = 200;
const SHARED = /^refs\/(?:heads|tags)\//;

/**
 * Reads the answer to `GET info/refs?service=git-receive-pack`.
 *
 * @throws {VerificationError} "bad-answer", "bad-packet"
 */
export async function readAdvertisement(body: ReadableStream<Uint8Array>): Promise<Advertisement> {
  const packets = new PacketReader(body);
  const refs = new Map<string, string>();
  const capabilities = new Set<string>();
  const first = await packets.next();
  if (!first || textOf(first) !== "# service=git-receive-pack") {
    throw badAnswer("it is not a git server that takes pushes");
  }
  await packets.next(); // the flush behind it
  for (let i = 0, bytes = 0;; i++) {
    const packet = await packets.next();
    if (packet?.kind !== "data") return { refs, capabilities };
    bytes += packet.raw.length;
    if (i === MAX_REFS || bytes > MAX_ADVERTISEMENT) throw badAnswer("it has too many refs");
    const [line = "", more = ""] = textOf(packet).split("\0");
    for (const capability of more.split(" ").filter(Boolean)) capabilities.add(capability);
    const [, oid, ref] = /^([0-9a-f]{40}|[0-9a-f]{64}) (\S+)$/.exec(line) ?? [];
    if (oid === undefined || ref === undefined) throw badAnswer("invalid line in its refs");
    if (!/^0+$/.test(oid)) refs.set(ref, oid);
  }
}

/** What makes the branches and tags of a server those of the manifest. */
export function commandsFor(
  { refs, objectFormat }: Pick<Manifest, "refs" | "objectFormat">,
  server: Advertisement,
): Command[] {
  const none = "0".repeat(objectFormat === "sha256" ? 64 : 40);
  const wanted = Object.entries(refs).filter(([ref]) => SHARED.test(ref));
  const changed = wanted.filter(([ref, oid]) => server.refs.get(ref) !== oid)
    .map(([ref, to]) => ({ ref, from: server.refs.get(ref) ?? none, to }));
  const gone = [...server.refs].filter(([ref]) => SHARED.test(ref) && !Object.hasOwn(refs, ref))
    .map(([ref, from]) => ({ ref, from, to: none }));
  return [...gone, ...changed]; // a branch "a" has to go before "a/b" can be there
}

/** The request's part before the pack. */
export function encodeCommands(
  commands: readonly Command[],
  { capabilities }: Advertisement,
  { objectFormat }: Pick<Manifest, "objectFormat">,
): Uint8Array[] {
  const format = `object-format=${objectFormat}`;
  const wanted = ["report-status", "delete-refs", "ofs-delta", format];
  const chosen = wanted.filter((capability) => capabilities.has(capability)).join(" ");
  const lines = commands.map(({ ref, from, to }, i) =>
    packetOf(`${from} ${to} ${ref}${i === 0 ? `\0 ${chosen}` : ""}\n`)
  );
  return [...lines, FLUSH];
}

/**
 * Reads the answer to a push, and returns where everything was done.
 *
 * @throws {NetworkError} "push-refused" with the server's reasons
 * @throws {VerificationError} "bad-packet"
 */
export async function checkReport(
  body: ReadableStream<Uint8Array>,
  commands: readonly Command[],
): Promise<void> {
  const packets = new PacketReader(body);
  const done = new Set<string>();
  const reasons: string[] = [];
  for (let i = 0; i < MAX_REPORT; i++) {
    const packet = await packets.next();
    if (packet?.kind !== "data") break;
    const line = textOf(packet);
    if (line.startsWith("ok ")) done.add(line.slice(3));
    else if (line !== "unpack ok" && reasons.length < MAX_REASONS) {
      reasons.push(line.replace(/^ng /, ""));
    }
  }
  const open = commands.find(({ ref }) => !done.has(ref));
  if (open === undefined) return;
  const why = printableLine(reasons.join(", ") || `it says nothing of ${open.ref}`, MAX_REASON);
  throw new NetworkError("push-refused", `the server refuses the push: ${why}`);
}

function badAnswer(why: string): VerificationError {
  return new VerificationError("bad-answer", `can't use the server's answer: ${why}`);
}
