/**
 * What only gtd knows of its health: how its networks do.
 *
 * @module
 */
import { toGtrError } from "../common/errors.ts";
import { VERSION } from "../common/version.ts";
import { abortable, deadline } from "../common/wait.ts";
import type { EngineParts } from "../engine/parts.ts";
import { ALL_NETWORKS } from "../transports/all.ts";
import { chosenNetworks } from "../transports/chosen.ts";
import type { Network, OpenNetwork } from "../ports/network.ts";
import type { Health } from "./api.ts";
import { reaches, verdictOf } from "./verdict.ts";

/** How long a network may take to say how it is. */
const PROBE_MS = 5000;

/**
 * Asks every network at once, each with a deadline of its own.
 *
 * @param builtIn the networks that there could be
 */
export async function engineHealth(
  { networks: open, settings }: Pick<EngineParts, "networks" | "settings">,
  builtIn: readonly Pick<Network, "scheme" | "isDefault">[] = ALL_NETWORKS,
): Promise<Health> {
  const schemes = builtIn.map(({ scheme }) => scheme);
  const chosen = chosenNetworks(builtIn, settings.get("transports")).map(({ scheme }) => scheme);
  const closed = schemes.filter((scheme) => open.every((network) => network.scheme !== scheme));
  const networks = await Promise.all([
    ...open.map(async (network) => {
      const [health] = await Promise.all([probe(network), measured(network)]);
      return health;
    }),
    ...closed.map((scheme) =>
      chosen.includes(scheme)
        ? {
          scheme,
          state: "unreachable" as const,
          summary: "it could not be opened",
          hint: "gtr daemon logs says why",
        }
        : { scheme, state: "off" as const, summary: "not among the networks that were chosen" }
    ),
  ]);
  const reach = reaches(open);
  const order = (scheme: string) => schemes.indexOf(scheme);
  networks.sort((a, b) => order(a.scheme) - order(b.scheme));
  return {
    daemon: { pid: Deno.pid, version: VERSION },
    networks: networks.map((network) => {
      const own = reach[network.scheme];
      return own ? { ...network, reach: own } : network;
    }),
    verdict: verdictOf(reach),
  };
}

async function probe({ scheme, health }: OpenNetwork): Promise<Health["networks"][number]> {
  using limit = deadline(PROBE_MS, `${scheme} to say how it is`);
  try {
    // A network that ignores its signal can't hold the answer back.
    const { reachable, summary, hint } = await abortable(
      health.probe({ signal: limit.signal }),
      limit.signal,
    );
    if (reachable) return { scheme, state: "reachable", summary, ...(hint && { hint }) };
    const [why, ...advice] = summary.split(": ");
    return { scheme, state: "unreachable", summary: why!, hint: advice.join(": ") || undefined };
  } catch (thrown) {
    const { message, hint } = toGtrError(thrown);
    return {
      scheme,
      state: "unreachable",
      summary: message,
      hint: hint ?? "gtr daemon logs may say why",
    };
  }
}

/** Gives a network the time to find out whether others get here. */
async function measured({ scheme, health }: OpenNetwork): Promise<void> {
  using limit = deadline(PROBE_MS, `${scheme} to find out whether others get here`);
  const done = health.measured({ signal: limit.signal });
  await abortable(done, limit.signal).catch(() => {}); // what is known by then is told
}
