/**
 * From an address to the newest manifest that any network knows.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  type GtrError,
  NetworkError,
  RequestError,
  toGtrError,
  VerificationError,
} from "../../common/errors.ts";
import { abortable, deadline, type Wait } from "../../common/wait.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { OpenNetwork } from "../../ports/network.ts";
import { answerTimeout, type EngineParts } from "../parts.ts";
import { seenWarning, unansweredWarning } from "./stale.ts";

/** How long the other networks may still take once one has said all it knows, in milliseconds. */
const SETTLE_MS = 500;
/** The same once a manifest has come, though that network may know more. */
const ENOUGH_MS = 5000;

/** A manifest and how far it can be relied on. */
export interface Resolved {
  readonly signed: SignedManifest;
  /** The publisher's public key, hex. */
  readonly publisher: string;
  readonly own: boolean;
  /** Schemes of the networks that told of a manifest just now, the quickest first. */
  readonly answered: readonly string[];
  /** Set if there is, or may be, something newer than this. */
  readonly warning?: string;
}

/**
 * The newest manifest: one's own from the store; another's from whichever network has the highest
 * sequence, and never one older than was seen before.
 *
 * @throws {NetworkError} "nobody-answered" or "unreachable"
 * @throws {RequestError} "not-published" if the address is one's own
 * @throws {VerificationError} "rolled-back"
 */
export async function resolveNewest(
  parts: EngineParts,
  address: RepoAddress,
  wait: Wait,
): Promise<Resolved> {
  const known = address.publicKey ??
    (address.id === parts.key.id
      ? parts.key.publicKeyHex
      : await parts.store.publisherKey(address.id));
  const own = known === parts.key.publicKeyHex;
  const repository = known === undefined ? undefined : parts.store.repository(known, address.name);
  const before = await repository?.usableManifest();
  if (own && before) {
    return { signed: before, publisher: before.manifest.publisher, own, answered: [] };
  }

  const asked = { ...address, publicKey: known };
  using limit = deadline(
    answerTimeout(parts),
    `an answer about ${formatAddress(address)}`,
    wait.signal,
  );
  const answers = await askAll(parts, asked, before?.manifest.endpoints, {
    ...wait,
    signal: limit.signal,
  });
  const { best, answered } = answers;
  wait.signal.throwIfAborted();
  wait.trace?.(
    best
      ? `publication ${best.manifest.sequence} is the newest`
      : "no network knows any publication",
  );

  const stored = await repository?.usableManifest(); // another may have fetched a newer one meanwhile
  if (repository && stored) {
    const { publisher, sequence } = stored.manifest;
    const copy = { signed: stored, publisher, own, answered };
    if (!best) return { ...copy, warning: unansweredWarning(address, stored) };
    const seen = await repository.highestSequence();
    // An old record still lives in some corner of the network; what was seen stays in force.
    if (best.manifest.sequence < seen) parts.dropped.add("old-manifest");
    if (best.manifest.sequence <= sequence || best.manifest.sequence < seen) {
      return seen > sequence ? { ...copy, warning: seenWarning(seen, stored) } : copy;
    }
  }
  if (best) {
    await refuseRollback(parts, best);
    return { signed: best, publisher: best.manifest.publisher, own, answered };
  }
  throw own ? notPublished(address) : notFound(parts, address, answers);
}

/** The manifest file may be lost while the sequence is still known. */
async function refuseRollback(parts: EngineParts, best: SignedManifest): Promise<void> {
  const { publisher, name, sequence } = best.manifest;
  const seen = await parts.store.repository(publisher, name).highestSequence();
  if (sequence >= seen) return;
  parts.dropped.add("rolled-back");
  throw new VerificationError(
    "rolled-back",
    `can't use ${name}: the network offers publication ${sequence}, older than ${seen} seen before`,
    { hint: "someone may be replaying an old state; try again when the publisher is online" },
  );
}

interface Answers {
  best?: SignedManifest;
  readonly answered: string[];
  /** Scheme -> why it told of nothing; those that know nothing are not among them. */
  readonly failures: Map<string, GtrError>;
  /** Schemes of the networks that have nobody to ask. */
  readonly idle: Set<string>;
}

/**
 * What the networks know of a repository of one's own, whatever the store has.
 *
 * @param endpoints of the publication that is here
 * @throws {NetworkError} "timed-out" if no network answers
 */
export async function askForOwn(
  parts: EngineParts,
  address: RepoAddress,
  endpoints: Manifest["endpoints"] | undefined,
  wait: Wait,
): Promise<{ readonly best?: SignedManifest; readonly answered: readonly string[] }> {
  using limit = deadline(
    answerTimeout(parts),
    `an answer about ${formatAddress(address)}`,
    wait.signal,
  );
  const { best, answered, failures } = await askAll(parts, address, endpoints, {
    ...wait,
    signal: limit.signal,
  });
  wait.signal.throwIfAborted();
  const asked = parts.networks.filter(({ records }) => records);
  if (best || failures.size < asked.length) return { best, answered };
  throw new NetworkError("timed-out", `no network answers about ${address.name}`);
}

/** Asks every network at once; once one has said what it knows, the others get a short while. */
async function askAll(
  parts: EngineParts,
  address: RepoAddress,
  endpoints: Manifest["endpoints"] | undefined,
  wait: Wait,
): Promise<Answers> {
  const answers: Answers = { answered: [], failures: new Map(), idle: new Set() };
  const stop = new AbortController();
  const signal = AbortSignal.any([wait.signal, stop.signal]);
  const timers: ReturnType<typeof setTimeout>[] = [];
  const endIn = (ms: number) => void timers.push(setTimeout(() => stop.abort(), ms));
  const networks = parts.networks.filter(({ records }) => records);
  const asked = new Set(networks.map(({ scheme }) => scheme));

  wait.trace?.(`asking ${[...asked].join(", ")} for the newest manifest`);
  const ask = async ({ scheme, records }: OpenNetwork) => {
    const hasAnswered = () => answers.answered.includes(scheme);
    try {
      const known = endpoints?.[scheme] ?? [];
      const idle = () => void answers.idle.add(scheme);
      for await (const signed of records!.resolve(address, { ...wait, signal, known, idle })) {
        if (!isOf(address, signed)) {
          parts.dropped.add("wrong-manifest");
          continue;
        }
        wait.trace?.(`publication ${signed.manifest.sequence} by ${scheme}`);
        if (answers.answered.length === 0) endIn(ENOUGH_MS);
        if (!hasAnswered()) answers.answered.push(scheme);
        const newer = !answers.best || signed.manifest.sequence > answers.best.manifest.sequence;
        if (newer) answers.best = signed;
      }
      asked.delete(scheme);
      wait.trace?.(`${scheme} has said all it knows`);
    } catch (error) {
      if (!signal.aborted) answers.failures.set(scheme, toGtrError(error));
    } finally {
      if (hasAnswered() && !signal.aborted) endIn(SETTLE_MS);
    }
  };
  try {
    // A network that ignores its signal can't hold the others back.
    await abortable(Promise.all(networks.map(ask)), signal).catch(() => {});
  } finally {
    timers.forEach(clearTimeout);
    stop.abort();
  }
  for (const scheme of asked) {
    if (answers.failures.has(scheme)) continue;
    answers.failures.set(scheme, new NetworkError("timed-out", "no answer in time"));
  }
  return answers;
}

function isOf(address: RepoAddress, { manifest }: SignedManifest): boolean {
  return manifest.name === address.name &&
    publisherId(Buffer.from(manifest.publisher, "hex")) === address.id;
}

function notPublished(address: RepoAddress): RequestError {
  return new RequestError(
    "not-published",
    `can't find ${formatAddress(address)}: you have published nothing under this name`,
    {
      hint: "gtr list shows what you share; gtr init shares a folder, git push makes a repository",
    },
  );
}

/** Every network is named that was asked in vain, with its reason if that is not the same for all. */
function notFound(
  { networks }: EngineParts,
  address: RepoAddress,
  { failures, idle }: Answers,
): NetworkError {
  const what = `can't find ${formatAddress(address)}`;
  if (networks.length === 0) {
    return new NetworkError("no-transport", `${what}: no network is enabled`, {
      hint: "gtr config transports",
    });
  }
  const told = [...failures.values()];
  const cause = told.find(({ code }) => code === "unreachable") ??
    told.find(({ code }) => code !== "timed-out");
  const all = networks.map(({ scheme }) => scheme);
  const able = all.filter((scheme) => !idle.has(scheme));
  const schemes = able.length > 0 ? able : all;
  const why = told.length === 0
    ? `nobody on ${schemes.join(", ")} knows it`
    : schemes.length === 1
    ? told[0]!.message
    : schemes.map((scheme) => `${scheme}: ${failures.get(scheme)?.message ?? "nobody knows it"}`)
      .join("; ");
  return new NetworkError(cause?.code ?? "nobody-answered", `${what}: ${why}`, {
    hint: cause?.hint ??
      "check the address, and that its publisher (or someone who cloned it) is online",
    cause,
  });
}
