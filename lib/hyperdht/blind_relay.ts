/**
 * blind-relay, unmodified, with the libsodium that hyperdht has.
 *
 *     const { blindRelay, Protomux } = await import("./blind_relay.ts");
 *
 * @module
 */
import "./mod.ts";
import type Mux from "../types/protomux.d.ts";
import type Relay from "../types/blind_relay.d.ts";

// Later than libsodium has been chosen.
const [relay, mux] = await Promise.all([import("blind-relay"), import("protomux")]);

/** Its server and client. */
export const blindRelay = relay.default as unknown as typeof Relay;
/** What its messages go through. */
export const Protomux = mux.default as unknown as typeof Mux;
