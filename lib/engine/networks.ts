/**
 * Joining the networks.
 *
 * @module
 */
import { join } from "node:path";
import { type GtrError, toGtrError } from "../common/errors.ts";
import { abortable, deadline, type Wait } from "../common/wait.ts";
import { configValue } from "../git_interface/config.ts";
import { chosenNetworks } from "../transports/chosen.ts";
import type { Network, NetworkContext, OpenNetwork } from "../ports/network.ts";
import type { LiveAnswer } from "../ports/streams.ts";
import type { EngineParts } from "./parts.ts";

/** How long one network may take to open: the others, and gtd's first answer, wait for it. */
const OPEN_MS = 10_000;

/**
 * Opens the networks that the user chose, or those that are on by default, and starts with the one that was named
 * first. One that can't be opened is left out, unless no other gives this node's repositories an
 * address.
 *
 * @param entries the networks that were built in
 * @throws {GtrError} the network's own
 */
export async function openNetworks(
  entries: readonly Network[],
  { home, settings, key, passwords, gateways, live, openManifest, dropped, log }:
    & Pick<EngineParts, "home" | "settings" | "key" | "passwords" | "dropped" | "log">
    & Pick<NetworkContext, "gateways" | "openManifest">
    & {
      /** How peers, or servers that the user chose, are answered. */
      readonly live: (role: Network["role"]) => LiveAnswer;
    },
  wait: Wait,
): Promise<{
  readonly networks: OpenNetwork[];
  /** Network by network, why one is left out and what helps. */
  readonly unopened: string[];
}> {
  const chosen = settings.get("transports");
  const wanted = chosenNetworks(entries, chosen);
  for (const scheme of chosen ?? []) {
    const known = wanted.some((entry) => entry.scheme === scheme);
    if (!known) log(`this gtr has no network called ${scheme}`);
  }
  const opened = await Promise.allSettled(wanted.map(async (entry) => {
    const cache = join(home.root, "cache", entry.scheme);
    await Deno.mkdir(cache, { recursive: true });
    using limit = deadline(OPEN_MS, `${entry.scheme} to open`, wait.signal);
    const opening = Promise.resolve(entry.open({
      settings,
      cache,
      key,
      gitConfig: configValue,
      gateways,
      password: () => passwords.get(entry.scheme),
      live: live(entry.role),
      openManifest,
      log,
      dropped: (reason) => dropped.add(`${entry.scheme}/${reason}`),
    }, { ...wait, signal: limit.signal }));
    try {
      return await abortable(opening, limit.signal);
    } catch (error) {
      opening.then((late) => late[Symbol.asyncDispose](), () => {}).catch(() => {});
      throw error;
    }
  }));
  const networks: OpenNetwork[] = [];
  const unopened: string[] = [];
  let failure: GtrError | undefined;
  opened.forEach((result, i) => {
    if (result.status === "fulfilled") return networks.push(result.value);
    failure = toGtrError(result.reason);
    const { message, hint } = failure;
    log(`can't open ${wanted[i]!.scheme}: ${message}`);
    unopened.push(`${wanted[i]!.scheme}: ${message}${hint === undefined ? "" : ` (${hint})`}`);
  });
  // One on which nobody can reach this node is no stand-in: what it publishes had no address.
  const isStandIn = ({ naming }: OpenNetwork) => !naming || naming.own("any") !== undefined;
  if (failure && !networks.some(isStandIn)) {
    await Promise.allSettled(networks.map((network) => network[Symbol.asyncDispose]()));
    throw failure;
  }
  return { networks, unopened };
}
