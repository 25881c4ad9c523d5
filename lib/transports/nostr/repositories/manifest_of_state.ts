/**
 * The manifest that a state carries.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { VerificationError } from "../../../common/errors.ts";
import type { Reach } from "../../../common/reach.ts";
import type { Wait } from "../../../common/wait.ts";
import { decodeEnvelope } from "../../../manifest/envelope.ts";
import type { ExpectedManifest, OpenManifest } from "../../../manifest/manifest.ts";
import type { SignedManifest } from "../../../manifest/types.ts";
import { blossomSource, getBlob } from "../blossom/sources.ts";
import { relaySource } from "../chunks/relay_source.ts";
import type { Relays } from "../relays/relays.ts";
import { isBound } from "./binding.ts";
import { disagreement } from "./choose_state.ts";
import { manifestBlobOf, manifestInContent } from "./manifest_content.ts";
import type { SignedState } from "./state.ts";

/** What reading needs beside the state. */
export interface ManifestSources {
  /** A folder for a moment's files. */
  readonly folder: string;
  /** Which of the URLs that the state names are asked, and further ones. */
  readonly urls: (sha256: string, named: readonly string[]) => string[];
  /** What the name of a server may lead to, where the user did not choose it. */
  readonly nearest?: (url: string) => Reach | undefined;
  readonly timeout: number;
  readonly openManifest: OpenManifest;
  readonly relays: Relays;
  /** Those that may have a manifest that is in events. */
  readonly relayUrls: readonly string[];
  readonly dropped: (reason: string) => void;
}

/**
 * The manifest of a state; both keys say that they are one, and both say the same of the refs.
 *
 * @throws {VerificationError} "changed-elsewhere" where the state is of another program,
 * "wrong-key", "state-disagrees", or what `openManifest` finds wrong
 * @throws {NetworkError} "nobody-answered" where it is a blob that no server has
 */
export async function manifestOfState(
  state: SignedState,
  expect: ExpectedManifest,
  sources: ManifestSources,
  wait: Wait,
): Promise<SignedManifest> {
  const signed = manifestInContent(state.event, expect, sources.openManifest) ??
    await manifestInBlob(state, expect, sources, wait);
  const { identifier, event } = state;
  if (!isBound(event, identifier, signed.manifest)) {
    throw new VerificationError(
      "wrong-key",
      `can't use the state of ${identifier}: its Nostr key and its publisher don't name each other`,
      { hint: "ask the publisher to publish again: gtr share" },
    );
  }
  const ref = disagreement(state, signed.manifest);
  if (ref === undefined) return signed;
  throw new VerificationError(
    "state-disagrees",
    `can't use the state of ${identifier}: of ${ref} it says something else than its manifest`,
    { hint: "ask the publisher to publish again: gtr share" },
  );
}

async function manifestInBlob(
  { event, identifier }: SignedState,
  expect: ExpectedManifest,
  { folder, urls, nearest, timeout, openManifest, relays, relayUrls, dropped }: ManifestSources,
  wait: Wait,
): Promise<SignedManifest> {
  const blob = manifestBlobOf(event);
  if (blob === undefined) {
    throw new VerificationError(
      "changed-elsewhere",
      `can't use the state of ${identifier}: a program other than gtr has pushed to it since`,
      {
        hint: "its publisher has to fetch what was pushed and publish again: gtr share; " +
          "other addresses of it still have the former state",
      },
    );
  }
  const { sha256, size, chunks } = blob;
  const path = join(folder, `manifest-${randomBytes(6).toString("hex")}.tmp`);
  try {
    const sources = urls(sha256, blob.urls).map((url) =>
      blossomSource(url, size, timeout, nearest?.(url))
    );
    if (chunks) {
      sources.push(relaySource({ pubkey: event.pubkey, size, chunks }, relays, relayUrls, dropped));
    }
    const wanted = { what: `the manifest of ${identifier}`, sha256, sources, dropped };
    await getBlob(wanted, path, { signal: wait.signal });
    return openManifest(decodeEnvelope(await readFile(path)), expect);
  } finally {
    await rm(path, { force: true });
  }
}
