/**
 * What only gtd knows of its health: how its networks do.
 *
 * @module
 */
import { toGtrError } from "../common/errors.ts";
import { VERSION } from "../common/version.ts";
import { abortable, deadline } from "../common/wait.ts";
import type { EngineParts } from "../engine/parts.ts";
import { ALL_TRANSPORTS } from "../transports/all.ts";
import { chosenNetworks } from "../transports/chosen.ts";
import type { Transport, TransportEntry } from "../transports/transport.ts";
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
  { transports, settings }: Pick<EngineParts, "transports" | "settings">,
  builtIn: readonly Pick<TransportEntry, "scheme" | "isDefault">[] = ALL_TRANSPORTS,
): Promise<Health> {
  const schemes = builtIn.map(({ scheme }) => scheme);
  const chosen = chosenNetworks(builtIn, settings.get("transports")).map(({ scheme }) => scheme);
  const closed = schemes.filter((scheme) => transports.every((open) => open.scheme !== scheme));
  const networks = await Promise.all([
    ...transports.map(async (transport) => {
      const [health] = await Promise.all([probe(transport), measured(transport)]);
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
  const reach = reaches(transports);
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

async function probe(transport: Transport): Promise<Health["networks"][number]> {
  const { scheme } = transport;
  using limit = deadline(PROBE_MS, `${scheme} to say how it is`);
  try {
    // A network that ignores its signal can't hold the answer back.
    const { reachable, summary, hint } = await abortable(
      transport.probe({ signal: limit.signal }),
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
async function measured(transport: Transport): Promise<void> {
  using limit = deadline(PROBE_MS, `${transport.scheme} to find out whether others get here`);
  const done = Promise.resolve(transport.measured?.({ signal: limit.signal }));
  await abortable(done, limit.signal).catch(() => {}); // what is known by then is told
}
