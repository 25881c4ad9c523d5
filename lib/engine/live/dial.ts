/**
 * From an address to a live stream of its repository, or to the store if that has it already.
 *
 * @module
 */
import { type GtrError, NetworkError, toGtrError } from "../../common/errors.ts";
import { abortable, deadline, sleep, type Wait } from "../../common/wait.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import type { LiveStream, Streams } from "../../ports/streams.ts";
import type { EngineParts } from "../parts.ts";
import { type Resolved, resolveNewest } from "../fetch/resolve.ts";

/** Where a repository's objects can be had without fetching all of them. */
export type Dialled =
  & Resolved
  & (
    | { /** The store's repository, which holds this state whole. */ readonly gitDir: string }
    | { readonly stream: LiveStream }
  );

/**
 * Finds the newest state, then the store or else the first peer that serves it live.
 *
 * @param known the newest state, if it was found just now
 * @throws {NetworkError} "no-live-peer" if nobody does within the time that is set for it
 */
export async function dialLive(
  parts: EngineParts,
  address: RepoAddress,
  wait: Wait,
  known?: Resolved,
): Promise<Dialled> {
  const resolved = known ?? await resolveNewest(parts, address, wait);
  const { publisher, name, sequence } = resolved.signed.manifest;
  const repository = parts.store.repository(publisher, name);
  const stored = await repository.usableManifest();
  if (stored?.manifest.sequence === sequence) {
    if (await repository.isWhole()) return { ...resolved, gitDir: repository.path };
  }
  const seconds = parts.settings.get("live.wait");
  using limit = deadline(seconds * 1000, `a live peer of ${name}`, wait.signal);
  const stream = await firstStream(parts, resolved, limit.signal).catch((error) => {
    wait.signal.throwIfAborted();
    const what = `can't fetch ${formatAddress(address)} from a live peer`;
    throw new NetworkError("no-live-peer", `${what}: ${error.message}`, { cause: error });
  });
  wait.trace?.(`live peer ${stream.peer}, publication ${stream.manifest.manifest.sequence}`);
  return { ...resolved, signed: stream.manifest, stream };
}

/** A network with live streams. */
interface Dialler {
  readonly scheme: string;
  readonly streams: Streams;
}

/** How long the first network is asked alone, in milliseconds. */
const HEAD_START_MS = 300;

/**
 * The first network is asked, and a moment later, or as soon as it fails, all others; streams that
 * come second are closed.
 *
 * @throws {NetworkError} "no-live-peer", which tells of every network why
 */
export async function firstStream(
  parts: EngineParts,
  { signed }: Pick<Resolved, "signed">,
  signal: AbortSignal,
): Promise<LiveStream> {
  const able = parts.networks.flatMap(({ scheme, streams }) =>
    streams ? [{ scheme, streams }] : []
  );
  if (able.length === 0 || parts.settings.get("live.wait") === 0) {
    throw new NetworkError("no-live-peer", "no network is asked for any");
  }
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const dial = async ({ streams }: Dialler) => {
    const stream = await streams.dial(signed, { signal: either });
    if (either.aborted) stream.close();
    stop.abort();
    return stream;
  };
  const [first, ...others] = able;
  const alone = dial(first!);
  const joined = Promise.race([
    alone.then(() => {}, () => {}),
    sleep(HEAD_START_MS, either),
  ]).then(() => either.throwIfAborted());
  joined.catch(() => {}); // there may be no other
  const dials = [alone, ...others.map((network) => joined.then(() => dial(network)))];
  try {
    return await abortable(Promise.any(dials), signal); // a network may ignore its signal
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    throw noStream(able, error.errors.map(toGtrError));
  }
}

function noStream(asked: readonly Dialler[], failures: readonly GtrError[]): GtrError {
  const all = failures.map((failure, i) => ({ failure, scheme: asked[i]!.scheme }));
  const able = all.filter(({ failure }) => failure.code !== "no-source");
  const told = able.length > 0 ? able : all;
  const [{ failure: first }] = told as [typeof told[number]];
  if (told.every(({ failure }) => failure.message === first.message)) return first;
  const each = told.map(({ failure, scheme }) => `${scheme}: ${failure.message}`);
  return new NetworkError("no-live-peer", each.join("; "), {
    hint: told.find(({ failure }) => failure.hint !== undefined)?.failure.hint,
    cause: first,
  });
}
