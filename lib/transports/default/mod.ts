/**
 * https as a network of gtr.
 *
 * @module
 */
import type { Network } from "../../ports/network.ts";

/** How `all.ts` lists this network. */
export const entry: Network = {
  scheme: "default",
  role: "server",
  isDefault: true,
  open: async (context, wait) => {
    const { OpenDefault } = await import("./network.ts");
    return await OpenDefault.open(context, wait);
  },
};
