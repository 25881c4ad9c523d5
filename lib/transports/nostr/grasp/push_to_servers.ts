/**
 * Having GRASP servers take what relays have.
 *
 * @module
 */
import { toGtrError } from "../../../common/errors.ts";
import type { SignedManifest } from "../../../manifest/types.ts";
import type { LiveSource } from "../../../ports/streams.ts";
import type { NostrEvent } from "../events/event.ts";
import type { Relays } from "../relays/relays.ts";

/** What {@linkcode pushToServers} works with. */
export interface GraspParts {
  readonly relays: Relays;
  /** GRASP servers that are to have it too. */
  readonly grasp: readonly string[];
  /** git on what is published, for these servers. */
  readonly source: (publisher: string, name: string) => Promise<LiveSource | undefined>;
  readonly log: (message: string) => void;
}

/** What is pushed. */
export interface GraspPublication {
  readonly signed: SignedManifest;
  readonly events: readonly NostrEvent[];
  /** Servers that have it: those that take it are added. */
  readonly grasped: Set<string>;
}

/** Pushes to each server that doesn't have it. What fails is told to `log` only. */
export async function pushToServers(
  { relays, grasp, source, log }: GraspParts,
  { signed, events, grasped }: GraspPublication,
  pubkey: string,
  signal: AbortSignal,
): Promise<void> {
  const missing = grasp.filter((server) => !grasped.has(server));
  if (missing.length === 0) return;
  const { publisher, name, sequence } = signed.manifest;
  const git = await source(publisher, name).catch(() => undefined);
  if (git?.manifest.manifest.sequence !== sequence) return; // a newer one will be pushed
  const { pushToGrasp } = await import("./push.ts");
  for (const server of missing) {
    try {
      await pushToGrasp(server, { pubkey, events, source: git }, relays, { signal });
      grasped.add(server);
    } catch (error) {
      if (!signal.aborted) log(toGtrError(error).message);
    }
  }
}
