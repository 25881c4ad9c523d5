/**
 * What `lib/transports/<name>/mod.ts` exports: a network, loaded lazily, and the ports that it offers
 * once it is open.
 *
 * @module
 */
import type { GitConfig } from "../common/git_config.ts";
import type { Settings } from "../common/settings.ts";
import type { NetworkVerbs } from "../common/verb.ts";
import type { Wait } from "../common/wait.ts";
import type { PublisherKey } from "../identity/keys.ts";
import type { OpenManifest } from "../manifest/manifest.ts";
import type { AccountPort } from "./account.ts";
import type { HealthPort } from "./health.ts";
import type { Locator, Naming } from "./naming.ts";
import type { Notices } from "./notices.ts";
import type { Packs } from "./packs.ts";
import type { Records } from "./records.ts";
import type { LiveAnswer, Streams } from "./streams.ts";

/** What a network is opened with. */
export interface NetworkContext {
  readonly settings: Settings;
  /** A folder of this network's own, for state that may be lost. It exists. */
  readonly cache: string;
  /** The user's own key: needed to sign records. */
  readonly key: PublisherKey;
  /** A value of the user's own configuration of git; undefined where it is not set. */
  readonly gitConfig: GitConfig;
  /**
   * The default gateways, the preferred one of each family first, those of IPv6 with the link that they
   * are on ("fe80::1%eth0"); undefined if the system doesn't tell. Absent for
   * a node that ends soon: its ports are not worth mapping.
   */
  readonly gateways?: (signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** The password of the user's key on this network, where it is encrypted and somebody gave it. */
  readonly password?: () => Promise<string | undefined>;
  /** How this node answers peers, or servers that the user chose, with what it has. */
  readonly live: LiveAnswer;
  /**
   * Verifies a manifest that came from outside, which may have come by another network before. What is
   * wrong is thrown, so that the network can drop the peer it has it from and ask the next.
   */
  readonly openManifest: OpenManifest;
  readonly log: (message: string) => void;
  /** Counts one dropped input under a short reason ("bad-record", "wrong-piece"). */
  readonly dropped: (reason: string) => void;
}

/** A network that this program was built with. */
export interface Network {
  /** The scheme of its addresses, and its name. */
  readonly scheme: string;
  /**
   * `peer`: whoever takes part gives to others. `server`: servers that somebody chose have what is
   * published.
   */
  readonly role: "peer" | "server";
  /** Whether it is in use unless the setting `transports` says otherwise. */
  readonly isDefault: boolean;
  readonly open: (context: NetworkContext, wait: Wait) => Promise<OpenNetwork>;
  /**
   * For networks with addresses in a form of their own: formats those of this user's repositories
   * without joining the network; undefined if others can't find them there.
   */
  readonly ownAddress?: (
    context: Pick<NetworkContext, "settings" | "key" | "gitConfig">,
    wait: Wait,
  ) => Promise<((name: string) => string) | undefined>;
  /** The verbs of `gtr <scheme>`, for what the network has of its own. */
  readonly verbs?: () => Promise<NetworkVerbs>;
}

/** A node of a network, and what it can do: a port that it lacks is not there. */
export interface OpenNetwork extends AsyncDisposable {
  readonly scheme: string;
  readonly role: Network["role"];
  /** Where this node can be dialled, for the manifest's `endpoints`; empty if unknown. */
  endpoints(): readonly string[];
  readonly health: HealthPort;
  readonly records?: Records;
  readonly notices?: Notices;
  readonly packs?: Packs;
  readonly streams?: Streams;
  readonly naming?: Naming;
  readonly locator?: Locator;
  /** For networks with keys of their own: the one that this node uses. */
  readonly account?: AccountPort;
}
