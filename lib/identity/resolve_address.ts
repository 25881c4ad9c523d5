/**
 * Addresses whose publisher is given by a name: where that is looked up.
 *
 * @module
 */
import { RequestError } from "../common/errors.ts";
import {
  type NetworkAddress,
  parseAddress,
  publisherAddress,
  type RepoAddress,
} from "./address.ts";
import type { Names } from "./names.ts";
import type { Registry } from "./registry.ts";

/** Where publishers' names are looked up. */
export interface Directory {
  readonly names: Pick<Names, "get">;
  readonly registry: Pick<Registry, "lookup">;
  /**
   * Asks a network about an address that only it can read.
   *
   * @throws {RequestError} "not-gtr" where what is there is not published with gtr
   */
  readonly locate: (address: NetworkAddress, signal: AbortSignal) => Promise<ResolvedAddress>;
}

/** An address, and what the person should know about the name in it. */
export interface ResolvedAddress {
  readonly address: RepoAddress;
  readonly warning?: string;
}

/**
 * Reads an address in any form and looks its publisher up where it is given by name.
 *
 * @param signal ends the wait for a domain's answer
 * @throws {UsageError} "bad-address"
 * @throws {RequestError} "unknown-name", and as {@linkcode Registry.lookup}
 */
export async function resolveAddress(
  url: string,
  { names, registry, locate }: Directory,
  signal: AbortSignal,
): Promise<ResolvedAddress> {
  const form = parseAddress(url);
  if ("url" in form) return await locate(form, signal);
  if ("id" in form) return { address: form };
  if ("user" in form) {
    const { publisher, warning } = await registry.lookup(form, signal);
    return { address: publisherAddress(form.scheme, publisher, form.name)!, warning };
  }
  const publisher = await names.get(form.petname);
  const address = publisher && publisherAddress(form.scheme, publisher, form.name);
  if (address) return { address };
  throw new RequestError(
    "unknown-name",
    `can't find '${form.petname}': no publisher has this name`,
    {
      hint: `gtr name add ${form.petname} <id>`,
    },
  );
}
