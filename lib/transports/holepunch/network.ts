/**
 * Holepunch as a network of gtr. Nothing of HyperDHT is loaded, and no socket opened, until something
 * is published, followed or asked for: gtd answers before.
 *
 * @module
 */
import { NetworkError, toGtrError } from "../../common/errors.ts";
import { abortable, type Wait } from "../../common/wait.ts";
import type { RepoAddress } from "../../identity/address.ts";
import { keyFromSeed } from "../../identity/keys.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import type { HealthPort } from "../../ports/health.ts";
import type { NetworkContext, OpenNetwork } from "../../ports/network.ts";
import type { Notices } from "../../ports/notices.ts";
import type { Packs } from "../../ports/packs.ts";
import type { Records, ResolveWait } from "../../ports/records.ts";
import type { Streams } from "../../ports/streams.ts";
import { Offers } from "./offers.ts";
import type { Peer } from "./peer.ts";

/** A node that is opened when it is first needed. */
export class OpenHolepunch implements OpenNetwork {
  readonly scheme = "holepunch";
  readonly role = "peer";
  readonly #context: NetworkContext;
  readonly #offers = new Offers();
  readonly #seed: Uint8Array;
  /** Public key of the node's key pair, which is another than the publisher's. */
  readonly #key: string;
  #opening: Promise<Peer> | undefined;
  #opened: Peer | undefined;
  #ended = false;

  private constructor(context: NetworkContext) {
    this.#context = context;
    this.#seed = context.key.derive("holepunch-node-v1", 32);
    this.#key = keyFromSeed(this.#seed).publicKeyHex;
  }

  static open(context: NetworkContext, wait: Wait): OpenHolepunch {
    wait.signal.throwIfAborted();
    const made = new OpenHolepunch(context);
    if (context.settings.get("holepunch.relay")) {
      // Somebody may need the relay before anything of this user's needs the network.
      made.#peer(new AbortController().signal).catch((error) => {
        if (!made.#ended) context.log(toGtrError(error).message);
      });
    }
    return made;
  }

  endpoints(): readonly string[] {
    return [this.#key];
  }

  readonly records: Records = {
    resolve: (address, wait) => this.#resolve(address, wait),
    publish: async (signed, packs, wait) => {
      wait.signal.throwIfAborted();
      this.#offers.announce(signed);
      const peer = await this.#peer(wait.signal);
      await peer.announce(signed, packs, wait);
    },
    retract: async (manifest) => {
      this.#offers.forget(manifest);
      const peer = await this.#opening?.catch(() => undefined);
      await peer?.forget(manifest);
    },
  };

  readonly notices: Notices = {
    watch: (manifest, listener) => {
      const stop = new AbortController();
      this.#peer(stop.signal).then(
        (peer) => peer.ask.watch(manifest, listener, stop.signal),
        (error) => {
          if (!stop.signal.aborted) this.#context.log(toGtrError(error).message);
        },
      );
      return { [Symbol.dispose]: () => stop.abort() };
    },
  };

  readonly packs: Packs = {
    searchable: true,
    maxBytes: () => undefined,
    offer: (file) => {
      const end = this.#offers.seed(file);
      return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(end()) });
    },
    fetch: async (pack, from, into, wait) => {
      wait.connected?.(0);
      const peer = await this.#peer(wait.signal);
      await peer.ask.fetch(pack, from, into, wait);
    },
    holders: async (manifest, { signal }) =>
      await (await this.#peer(signal)).ask.holders(manifest, signal),
    peers: (manifest) => this.#opened?.peers(manifest) ?? 0,
  };

  readonly streams: Streams = {
    dial: async (from, wait) => await (await this.#peer(wait.signal)).ask.dial(from, wait),
  };

  readonly health: HealthPort = {
    probe: async (wait) => await (await this.#peer(wait.signal)).probe(wait),
    now: async ({ signal }) => (await this.#peer(signal)).health(),
    reach: () =>
      this.#opened?.reach() ?? { how: "unknown", summary: "nothing has needed this network yet" },
    measured: async (wait) => await (await this.#peer(wait.signal)).measured(wait),
  };

  async *#resolve(address: RepoAddress, wait: ResolveWait): AsyncGenerator<SignedManifest> {
    wait.signal.throwIfAborted();
    const { known = [], signal } = wait;
    // Of others' repositories it tells nothing that its own user doesn't know: an answer from here
    // would keep the engine from waiting for newer ones.
    const own = address.id === this.#context.key.id
      ? this.#offers.repository(address.id, address.name)?.signed
      : undefined;
    if (own) yield own;
    const peer = await this.#peer(signal);
    for await (const signed of peer.ask.resolve(address, known, signal)) {
      if (signed.manifest.sequence > (own?.manifest.sequence ?? 0)) yield signed;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const peer = await this.#opening?.catch(() => undefined);
    await peer?.[Symbol.asyncDispose]();
  }

  /** @throws {NetworkError} "unreachable" where no node can be opened here */
  async #peer(signal: AbortSignal): Promise<Peer> {
    if (this.#ended) throw new NetworkError("unreachable", "holepunch is closed");
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return await abortable(this.#opening, signal);
  }

  async #open(): Promise<Peer> {
    try {
      const { Peer } = await import("./peer.ts");
      return this.#opened = await Peer.open({
        context: this.#context,
        offers: this.#offers,
        seed: this.#seed,
        live: this.#context.live,
      });
    } catch (cause) {
      const { message } = toGtrError(cause);
      throw new NetworkError("unreachable", `can't open holepunch: ${message}`, { cause });
    }
  }
}
