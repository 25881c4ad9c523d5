/**
 * Whether the publisher's key can be used, by this user only.
 *
 * @module
 */
import { inspectKey } from "../../identity/keys.ts";
import { type Check, failed, ok } from "./check.ts";

export const identity: Check = {
  what: "identity",
  run: async ({ call: { home } }) => {
    const path = home.identity;
    const info = await Deno.stat(path).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    });
    if (!info) return [ok("identity", "a key is made when it is needed")];
    if (info.mode !== null && (info.mode & 0o077) !== 0) {
      return [failed("identity", `${path} is open to other users`, `chmod 600 ${path}`)];
    }
    return [ok("identity", (await inspectKey(path))!.id)];
  },
};
