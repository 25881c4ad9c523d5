/**
 * Holepunch as a network of gtr. Nothing of HyperDHT is loaded, and no socket opened, until a
 * repository of this network is published, followed or asked for.
 *
 * @module
 */
import { NetworkError, toGtrError } from "../../common/errors.ts";
import { abortable } from "../../common/wait.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import { keyFromSeed } from "../../identity/keys.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type {
  FetchWait,
  Health,
  Holder,
  HolderWait,
  LiveAnswer,
  LiveStream,
  PackFile,
  Reach,
  ResolveWait,
  Transport,
  TransportContext,
  Wait,
} from "../transport.ts";
import { Offers } from "./offers.ts";
import type { Peer } from "./peer.ts";

/** A node that is opened when it is first needed. */
export class HolepunchTransport implements Transport {
  readonly scheme = "holepunch";
  readonly #context: TransportContext;
  /** Whether the user has chosen it: one that is open to anybody is not opened unasked. */
  readonly #publishes: boolean;
  readonly #offers = new Offers();
  readonly #seed: Uint8Array;
  /** Public key of the node's key pair, which is another than the publisher's. */
  readonly #key: string;
  #opening: Promise<Peer> | undefined;
  #opened: Peer | undefined;
  #live: LiveAnswer | undefined;
  #ended = false;

  private constructor(context: TransportContext) {
    this.#context = context;
    this.#publishes = context.settings.get("transports")?.includes(this.scheme) ?? false;
    this.#seed = context.key.derive("holepunch-node-v1", 32);
    this.#key = keyFromSeed(this.#seed).publicKeyHex;
  }

  /** Where it is not in use, it isn't a place where a pack may be. */
  get flows(): { announce: true; put: boolean } {
    return { announce: true, put: this.#publishes || this.#opening !== undefined };
  }

  static open(context: TransportContext, wait: Wait): HolepunchTransport {
    wait.signal.throwIfAborted();
    const made = new HolepunchTransport(context);
    if (context.settings.get("holepunch.relay")) {
      // Somebody may need the relay before anything of this user's needs the network.
      made.#peer(new AbortController().signal).catch((error) => {
        if (!made.#ended) context.log(toGtrError(error).message);
      });
    }
    return made;
  }

  address(name: string): string | undefined {
    const { scheme } = this;
    return this.#publishes ? formatAddress({ scheme, id: this.#context.key.id, name }) : undefined;
  }

  endpoints(): readonly string[] {
    return this.#publishes ? [this.#key] : [];
  }

  async *resolve(address: RepoAddress, wait: ResolveWait): AsyncGenerator<SignedManifest> {
    wait.signal.throwIfAborted();
    const { known = [], signal } = wait;
    if (!this.#publishes && !this.#opening && address.scheme !== this.scheme && !known.length) {
      return;
    }
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

  async announce(signed: SignedManifest, packs: readonly PackFile[], wait: Wait): Promise<void> {
    wait.signal.throwIfAborted();
    this.#offers.announce(signed);
    if (!this.#concerns(signed.manifest)) return;
    const peer = await this.#peer(wait.signal);
    await peer.announce(signed, packs, wait);
  }

  async forget(manifest: Manifest): Promise<void> {
    this.#offers.forget(manifest);
    const peer = await this.#opening?.catch(() => undefined);
    await peer?.forget(manifest);
  }

  seed(file: PackFile): Promise<AsyncDisposable> {
    const end = this.#offers.seed(file);
    return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(end()) });
  }

  async fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void> {
    const peer = await this.#peerFor(from.manifest, wait.signal, "nobody-answered");
    await peer.ask.fetch(pack, from, into, wait);
  }

  async dial(from: SignedManifest, wait: Wait): Promise<LiveStream> {
    const peer = await this.#peerFor(from.manifest, wait.signal, "no-live-peer");
    return await peer.ask.dial(from, wait);
  }

  serve(answer: LiveAnswer): void {
    this.#live = answer;
  }

  onNotice(manifest: Manifest, listener: (sequence: number) => void): Disposable {
    const stop = new AbortController();
    if (this.#concerns(manifest)) {
      this.#peer(stop.signal).then(
        (peer) => peer.ask.watch(manifest, listener, stop.signal),
        (error) => {
          if (!stop.signal.aborted) this.#context.log(toGtrError(error).message);
        },
      );
    }
    return { [Symbol.dispose]: () => stop.abort() };
  }

  async holders(manifest: Manifest, { signal }: HolderWait): Promise<readonly Holder[]> {
    if (!this.#concerns(manifest)) return [];
    return await (await this.#peer(signal)).ask.holders(manifest, signal);
  }

  peers(manifest: Manifest): number {
    return this.#opened?.peers(manifest) ?? 0;
  }

  async probe(wait: Wait): Promise<Health> {
    if (this.#publishes || this.#opening) return await (await this.#peer(wait.signal)).probe(wait);
    return {
      reachable: true,
      summary: "not in use; to publish on it, name it in transports",
      details: { listen: "off" },
    };
  }

  reach(): Reach | undefined {
    if (this.#opened) return this.#opened.reach();
    if (!this.#publishes) return undefined;
    return { how: "unknown", summary: "nothing has needed this network yet" };
  }

  async measured(wait: Wait): Promise<void> {
    if (this.#publishes || this.#opening) await (await this.#peer(wait.signal)).measured(wait);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const peer = await this.#opening?.catch(() => undefined);
    await peer?.[Symbol.asyncDispose]();
  }

  /** Whether the repository is one of this network, as far as is known. */
  #concerns({ endpoints }: Manifest): boolean {
    return this.#publishes || (endpoints[this.scheme]?.length ?? 0) > 0;
  }

  async #peerFor(manifest: Manifest, signal: AbortSignal, code: string): Promise<Peer> {
    signal.throwIfAborted();
    if (this.#concerns(manifest) || this.#opening) return await this.#peer(signal);
    throw new NetworkError(code, `can't fetch ${manifest.name}: it is not on holepunch`);
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
        live: () => this.#live,
      });
    } catch (cause) {
      const { message } = toGtrError(cause);
      throw new NetworkError("unreachable", `can't open holepunch: ${message}`, { cause });
    }
  }
}
