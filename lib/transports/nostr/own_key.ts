/**
 * The Nostr key that this node publishes with.
 *
 * @module
 */
import { GtrError, RequestError, toGtrError } from "../../common/errors.ts";
import { deadline } from "../../common/wait.ts";
import type { TransportContext } from "../transport.ts";
import { RELAY_AUTH } from "./events/kinds.ts";
import { tagValue } from "./events/event.ts";
import { findSigner, readNpub } from "./keys/find_signer.ts";
import type { NostrSigner } from "./keys/signer.ts";
import type { Relays } from "./relays/relays.ts";

/** A bunker may be slow, and opening a network has to be quick. */
const FIRST_LOOK = 5_000;

/** Found when first needed, and kept; what can't be found now is looked for again. */
export class OwnKey implements Disposable {
  /** Why the key is not known, for a person. */
  failure: GtrError | undefined;
  #pubkey: string | undefined;
  #signer: Promise<NostrSigner> | undefined;

  constructor(
    readonly context: Pick<TransportContext, "key" | "gitConfig">,
    readonly relays: () => Relays,
  ) {}

  /** Public key, 64 hex digits, as far as it is known. */
  get pubkey(): string | undefined {
    return this.#pubkey;
  }

  /** Finds the public key out: without the secret one where git's configuration has `nostr.npub`. */
  async look(parent: AbortSignal): Promise<string | undefined> {
    if (this.#pubkey !== undefined) return this.#pubkey;
    using limit = deadline(FIRST_LOOK, "the Nostr key", parent, "set nostr.npub in git's config");
    try {
      const npub = await this.context.gitConfig("nostr.npub", limit.signal);
      if (npub !== undefined) this.#pubkey = readNpub(npub);
      else await this.signer(limit.signal);
      this.failure = undefined;
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
    this.#signer ??= findSigner({
      config: this.context.gitConfig,
      // gtd has no terminal, and starts no program but git.
      password: () => Promise.resolve(undefined),
      identity: this.context.key,
      relays: this.relays,
    }, signal).then(({ signer }) => signer);
    const finding = this.#signer;
    try {
      const signer = await finding;
      this.#pubkey = signer.pubkey;
      return signer;
    } catch (error) {
      if (this.#signer === finding) this.#signer = undefined;
      throw error;
    }
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
}
