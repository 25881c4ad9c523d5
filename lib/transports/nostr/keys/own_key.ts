/**
 * The Nostr key that this node publishes with.
 *
 * @module
 */
import { GtrError, RequestError, toGtrError } from "../../../common/errors.ts";
import { deadline } from "../../../common/wait.ts";
import type { NetworkContext } from "../../../ports/network.ts";
import { tagValue } from "../events/event.ts";
import { RELAY_AUTH } from "../events/kinds.ts";
import type { NostrSigner } from "../events/signer.ts";
import type { Relays } from "../relays/relays.ts";
import { encryptedSetting, findSigner, readNpub } from "./find_signer.ts";
import { lockedKey } from "./secret_text.ts";

/** A bunker may be slow, and opening a network has to be quick. */
const FIRST_LOOK_MS = 5_000;

/** Found when first needed, and kept; what can't be found now is looked for again. */
export class OwnKey implements Disposable {
  /** Why the key can't be used, as far as that is known; for a person. */
  failure: GtrError | undefined;
  #pubkey: string | undefined;
  #signer: Promise<NostrSigner> | undefined;

  constructor(
    readonly context: Pick<NetworkContext, "key" | "gitConfig" | "password">,
    readonly relays: () => Relays,
  ) {}

  /** Public key, 64 hex digits, as far as it is known. */
  get pubkey(): string | undefined {
    return this.#pubkey;
  }

  /** Finds the public key out: without the secret one where git's configuration has `nostr.npub`. */
  async look(parent: AbortSignal): Promise<string | undefined> {
    if (this.#pubkey !== undefined) return this.#pubkey;
    using limit = deadline(
      FIRST_LOOK_MS,
      "the Nostr key",
      parent,
      "set nostr.npub in git's config",
    );
    try {
      const npub = await this.context.gitConfig("nostr.npub", limit.signal);
      if (npub === undefined) {
        await this.signer(limit.signal);
      } else {
        this.#pubkey = readNpub(npub);
        this.failure = await this.#lock(limit.signal);
      }
    } catch (error) {
      parent.throwIfAborted();
      this.failure = toGtrError(error);
    }
    return this.#pubkey;
  }

  /**
   * What signs.
   *
   * @throws as `findSigner`
   */
  async signer(signal: AbortSignal): Promise<NostrSigner> {
    const finding = this.#signer ??= this.#find(signal);
    try {
      const signer = await finding;
      if (this.#signer === finding) this.#is(signer);
      return signer;
    } catch (error) {
      if (this.#signer === finding) {
        this.#signer = undefined;
        if (!signal.aborted) this.failure = toGtrError(error);
      }
      throw error;
    }
  }

  /**
   * Finds the key anew: git's configuration has another one, or its password was given. A wrong
   * password changes nothing.
   *
   * @throws as `findSigner`
   */
  async use(signal: AbortSignal): Promise<void> {
    let failure: GtrError | undefined;
    const found = await this.#find(signal).catch((error) => {
      signal.throwIfAborted();
      failure = toGtrError(error);
      return undefined;
    });
    if (failure?.code === "locked-key" && await this.context.password?.() !== undefined) {
      throw failure;
    }
    this[Symbol.dispose]();
    this.#signer = this.#pubkey = undefined;
    if (found) {
      this.#signer = Promise.resolve(found);
      return this.#is(found);
    }
    await this.look(signal); // who it is may be known without it
    throw this.failure = failure!;
  }

  /** Logs in to relays of the user's own choice, and to no other: it tells who asks. */
  loginTo(relays: readonly string[]): NostrSigner {
    // deno-lint-ignore no-this-alias -- an accessor below needs it
    const own = this;
    return {
      get pubkey() {
        return own.#pubkey ?? "";
      },
      async sign(template, signal) {
        const relay = tagValue(template, "relay") ?? "";
        if (template.kind !== RELAY_AUTH || !relays.includes(relay)) {
          throw new RequestError("not-allowed", `${relay} serves only those who log in`, {
            hint: "add it to nostr.relays to log in there",
          });
        }
        return await (await own.signer(signal)).sign(template, signal);
      },
      close() {},
    };
  }

  [Symbol.dispose](): void {
    this.#signer?.then((signer) => signer.close(), () => {});
  }

  #is(signer: NostrSigner): void {
    this.#pubkey = signer.pubkey;
    this.failure = undefined;
  }

  async #find(signal: AbortSignal): Promise<NostrSigner> {
    const { gitConfig, password, key } = this.context;
    const { signer } = await findSigner({
      config: gitConfig,
      // gtd has no terminal: it asks nobody.
      password: async () => await password?.(),
      identity: key,
      relays: this.relays,
    }, signal);
    return signer;
  }

  /** What keeps a key from being used that is not needed yet. */
  async #lock(signal: AbortSignal): Promise<GtrError | undefined> {
    const where = await encryptedSetting(this.context.gitConfig, signal);
    if (where === undefined || await this.context.password?.() !== undefined) return undefined;
    return lockedKey(where);
  }
}
