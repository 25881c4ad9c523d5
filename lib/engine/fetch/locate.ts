/**
 * Addresses that only one network can read.
 *
 * @module
 */
import { RequestError } from "../../common/errors.ts";
import { deadline, type Wait } from "../../common/wait.ts";
import type { NetworkAddress } from "../../identity/address.ts";
import type { ResolvedAddress } from "../../identity/resolve_address.ts";
import type { Located } from "../../ports/naming.ts";
import { answerTimeout, type EngineParts } from "../parts.ts";

/**
 * Asks the network whose address it is.
 *
 * @throws {RequestError} "unknown-network" if it is not in use
 * @throws {UsageError} "bad-address"
 * @throws {RequestError} "name-changed-key", "unknown-name"
 * @throws {NetworkError} nobody answered
 */
export async function locate(
  parts: Pick<EngineParts, "home" | "networks" | "settings">,
  { scheme, url }: NetworkAddress,
  wait: Wait,
): Promise<Located> {
  const locator = parts.networks.find((network) => network.scheme === scheme)?.locator;
  if (!locator) {
    throw new RequestError("unknown-network", `can't use ${url}: ${scheme} is not in use here`, {
      hint: "gtr config transports shows the networks in use",
    });
  }
  using limit = deadline(answerTimeout(parts), `an answer about ${url}`, wait.signal);
  const { registry } = parts.home;
  return await locator.locate(url, { ...wait, signal: limit.signal, registry });
}

/**
 * The same if only a repository that is published with gtr will do.
 *
 * @throws {RequestError} "not-gtr" besides
 */
export async function locatePublished(
  parts: Pick<EngineParts, "home" | "networks" | "settings">,
  address: NetworkAddress,
  wait: Wait,
): Promise<ResolvedAddress> {
  const located = await locate(parts, address, wait);
  if ("address" in located) return located;
  throw new RequestError(
    "not-gtr",
    `can't do this with ${address.url}: it is not published with gtr, and its data is on git servers`,
    { hint: "git clone and git fetch work with it; to publish a copy of yours: gtr init" },
  );
}
