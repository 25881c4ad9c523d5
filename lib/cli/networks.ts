/**
 * The networks that this program was built with.
 *
 * @module
 */
import type { Settings } from "../common/settings.ts";
import { configValue } from "../git_interface/config.ts";
import type { PublisherKey } from "../identity/keys.ts";
import { chosenNetworks } from "../transports/chosen.ts";

/**
 * Their schemes: "torrent".
 *
 * @param chosen what `transports` is set to: these only, in this order
 */
export async function networks(chosen?: readonly string[]): Promise<string[]> {
  const { ALL_NETWORKS } = await import("../transports/all.ts");
  return chosenNetworks(ALL_NETWORKS, chosen).map(({ scheme }) => scheme);
}

/**
 * How networks whose addresses have a form of their own write those of this user's repositories:
 * scheme -> formatter, undefined where others can't find them there.
 */
export async function ownForms(
  settings: Settings,
  key: PublisherKey | undefined,
  signal: AbortSignal,
): Promise<Map<string, ((name: string) => string) | undefined>> {
  const { ALL_NETWORKS } = await import("../transports/all.ts");
  const forms = ALL_NETWORKS.flatMap(({ scheme, ownAddress }) =>
    ownAddress ? [{ scheme, ownAddress }] : []
  );
  const context = key && { settings, key, gitConfig: configValue };
  return new Map(
    await Promise.all(
      forms.map(async ({ scheme, ownAddress }) =>
        [scheme, context && await ownAddress(context, { signal })] as const
      ),
    ),
  );
}
