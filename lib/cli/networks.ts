/**
 * The networks that this program was built with.
 *
 * @module
 */
import type { Settings } from "../common/settings.ts";
import { configValue } from "../git_interface/config.ts";
import type { PublisherKey } from "../identity/keys.ts";

/** Their schemes: "torrent". */
export async function networks(): Promise<string[]> {
  const { ALL_TRANSPORTS } = await import("../transports/all.ts");
  return ALL_TRANSPORTS.map(({ scheme }) => scheme);
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
  const { ALL_TRANSPORTS } = await import("../transports/all.ts");
  const forms = ALL_TRANSPORTS.flatMap(({ scheme, ownAddress }) =>
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
