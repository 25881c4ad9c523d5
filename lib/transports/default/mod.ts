/**
 * https as a network of gtr.
 *
 * @module
 */
import type { TransportEntry } from "../transport.ts";

/** How `all.ts` lists this network. */
export const entry: TransportEntry = {
  scheme: "default",
  isDefault: true,
  open: async (context, wait) => {
    const { DefaultTransport } = await import("./transport.ts");
    return await DefaultTransport.open(context, wait);
  },
};
