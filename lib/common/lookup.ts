/**
 * Looking up hosts that strangers name.
 *
 * @module
 */
import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { NetworkError } from "./errors.ts";
import { mayDial, type Reach } from "./reach.ts";

/**
 * What `connect` of `node:net` and `node:tls` takes as `lookup`: the system's, without the addresses
 * that are nearer than `nearest`. Any name can lead to any address, so that of the name says too
 * little. Addresses are not looked up: check them with `mayDial`.
 *
 * The lookup fails with a {@linkcode NetworkError} "inside-address" where no address is left.
 */
export function lookupFrom(nearest: Reach): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const addresses = found.filter(({ address }) => mayDial(address, nearest));
      const [first] = addresses;
      if (!first) return callback(insideAddress(host), []);
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

/** The error for a host that a stranger named, and that is not for strangers to point at. */
export function insideAddress(host: string): NetworkError {
  return new NetworkError(
    "inside-address",
    `can't connect to ${host}: it is within this machine or its network, and a stranger named it`,
    { hint: "who trusts it can name it in the settings" },
  );
}
