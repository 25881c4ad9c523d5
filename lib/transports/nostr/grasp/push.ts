/**
 * Pushing one's own publication to a GRASP server (GRASP-01), from which everyone's git can clone it.
 * No login: what the publisher signed says which refs the server has to take.
 *
 * @module
 */
import { GtrError, NetworkError, toGtrError } from "../../../common/errors.ts";
import { idleDeadline, sleep, type Wait } from "../../../common/wait.ts";
import type { LiveSource } from "../../../ports/streams.ts";
import { answerBytes, exchange } from "../blossom/request.ts";
import type { NostrEvent } from "../events/event.ts";
import { ANNOUNCEMENT, STATE } from "../events/kinds.ts";
import type { Relays } from "../relays/relays.ts";
import { packStream } from "./pack_stream.ts";
import { graspPlace } from "./place.ts";
import {
  type Advertisement,
  checkReport,
  type Command,
  commandsFor,
  encodeCommands,
  readAdvertisement,
} from "./receive_pack.ts";

/** What is pushed. */
export interface GraspPublication {
  /** The author of the events. */
  readonly pubkey: string;
  /** The announcement, which has to name the server, and the state are handed over first. */
  readonly events: readonly NostrEvent[];
  /** What the state says, and git on it. */
  readonly source: LiveSource;
}

/** Milliseconds without a byte. A server checks a whole push before it answers. */
const IDLE_MS = 60_000;
/** A server makes the repository when it gets the announcement, and may take its time. */
const TRIES = 5;
const FIRST_PAUSE_MS = 250;
const SERVICE = "git-receive-pack";

/**
 * Hands over what was signed, then makes the server's branches and tags those of the manifest.
 *
 * @param server "https://grasp.example"
 * @returns whether anything had to be pushed
 * @throws {NetworkError} "unreachable", "no-quorum", "push-refused" or "server-refused"
 */
export async function pushToGrasp(
  server: string,
  publication: GraspPublication,
  relays: Relays,
  { signal: parent }: Wait,
): Promise<boolean> {
  const { pubkey, events, source } = publication;
  const { manifest } = source.manifest;
  const place = graspPlace(server, pubkey, manifest.name);
  const signed = events.filter(({ kind }) => kind === ANNOUNCEMENT || kind === STATE);
  using idle = idleDeadline(IDLE_MS, `${server} to take a push`, parent);
  try {
    for (const event of signed) await relays.publish([place.relay], event, 1, idle.signal);
    const before = await askForRefs(place.clone, idle.signal);
    const commands = commandsFor(manifest, before);
    if (commands.length === 0) return false;
    const body = pushBody(commands, before, source, idle);
    const answer = await exchange({
      method: "POST",
      url: `${place.clone}/${SERVICE}`,
      headers: {
        "Content-Type": `application/x-${SERVICE}-request`,
        "Accept": `application/x-${SERVICE}-result`,
      },
      body,
    }, idle.signal);
    if (answer.statusCode !== 200) {
      answer.destroy();
      throw new NetworkError("server-refused", `it answers a push with ${answer.statusCode}`);
    }
    const bytes = answerBytes(answer, place.clone, idle.signal);
    await checkReport(ReadableStream.from(bytes), commands);
    return true;
  } catch (error) {
    parent.throwIfAborted();
    const { code, message } = toGtrError(error);
    throw new NetworkError(code, `can't push ${manifest.name} to ${server}: ${message}`, {
      hint: "check the setting nostr.grasp; it is tried again",
      cause: error instanceof GtrError ? undefined : error,
    });
  }
}

/** What the server has; it may not have made the repository yet. */
async function askForRefs(clone: string, signal: AbortSignal): Promise<Advertisement> {
  for (let i = 1, pause = FIRST_PAUSE_MS;; i++, pause *= 2) {
    const url = `${clone}/info/refs?service=${SERVICE}`;
    const answer = await exchange({ method: "GET", url }, signal);
    if (answer.statusCode === 200) {
      return await readAdvertisement(ReadableStream.from(answerBytes(answer, url, signal)));
    }
    answer.destroy();
    if (answer.statusCode !== 404 || i === TRIES) {
      throw new NetworkError("server-refused", `it answers with ${answer.statusCode}`);
    }
    await sleep(pause, signal);
  }
}

/** The commands, and the pack where anything is to be there afterwards. */
async function* pushBody(
  commands: readonly Command[],
  before: Advertisement,
  source: LiveSource,
  { signal, touch }: { readonly signal: AbortSignal; readonly touch: () => void },
): AsyncGenerator<Uint8Array> {
  yield* encodeCommands(commands, before, source.manifest.manifest);
  const wants = commands.map(({ to }) => to).filter((oid) => !/^0+$/.test(oid));
  if (wants.length === 0) return;
  const wanted = {
    wants: [...new Set(wants)],
    haves: [...new Set(before.refs.values())],
    offsets: before.capabilities.has("ofs-delta"),
  };
  for await (const bytes of packStream(source, wanted, signal)) {
    touch();
    yield bytes;
  }
}
