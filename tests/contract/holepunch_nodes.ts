/**
 * Holepunch nodes on loopback, in a HyperDHT of their own.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
// @ts-types="../../lib/types/hyperdht.d.ts"
import HyperDHT from "hyperdht";
import { Counters } from "../../lib/common/counters.ts";
import { Home } from "../../lib/common/home.ts";
import { Settings } from "../../lib/common/settings.ts";
import { deadline } from "../../lib/common/wait.ts";
import type { PublisherKey } from "../../lib/identity/keys.ts";
import { HyperNode } from "../../lib/transports/holepunch/node.ts";
import { OpenHolepunch } from "../../lib/transports/holepunch/network.ts";
import { UDX } from "@gtr/udx";
import { LiveSlot, type Serving } from "./live_slot.ts";
import type { TestNetwork } from "./network_contract.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

/** Nodes that hold what others put: as many as hyperdht's own tests have. */
const NODES = 10;
const HOST = "127.0.0.1";

/** What a node is opened with, beside its key. */
export interface NodeOptions {
  /** Setting variables, such as GTR_HOLEPUNCH_MAXCONNECTIONS. */
  readonly env?: Record<string, string>;
}

/** A private HyperDHT. */
export class HolepunchNetwork implements TestNetwork {
  readonly dropped = new Counters();
  readonly logged: string[] = [];
  readonly folder = Deno.makeTempDirSync();
  readonly bootstrap: string;
  readonly #testnet: readonly HyperDHT[];
  readonly #nodes: OpenHolepunch[] = [];

  private constructor(testnet: readonly HyperDHT[]) {
    this.#testnet = testnet;
    this.bootstrap = `${HOST}:${testnet[0]!.address().port}`;
  }

  static async make(): Promise<HolepunchNetwork> {
    const testnet: HyperDHT[] = [];
    let bootstrap: { host: string; port: number }[] = [];
    for (let i = 0; i < NODES; i++) {
      const options = { udx: new UDX(), host: HOST, ephemeral: false, firewalled: false };
      const node = new HyperDHT({ ...options, bootstrap });
      await node.fullyBootstrapped();
      testnet.push(node);
      if (i === 0) bootstrap = [{ host: HOST, port: node.address().port }];
    }
    return new HolepunchNetwork(testnet);
  }

  async join(key: PublisherKey, options: NodeOptions = {}): Promise<OpenHolepunch & Serving> {
    const cache = join(this.folder, String(this.#nodes.length));
    await Deno.mkdir(cache);
    const env: Record<string, string> = {
      GTR_TRANSPORTS: "holepunch",
      GTR_HOLEPUNCH_HOST: HOST,
      GTR_HOLEPUNCH_BOOTSTRAP: this.bootstrap,
      GTR_NETWORK_TIMEOUT: "30",
      ...options.env,
    };
    const settings = await Settings.load(new Home(this.folder), (name) => env[name]);
    using limit = deadline(60_000, "a node to open");
    const { live, serve } = new LiveSlot();
    const node = OpenHolepunch.open({
      settings,
      cache,
      key,
      live,
      openManifest,
      gitConfig: () => Promise.resolve(undefined),
      log: (message) => this.logged.push(message),
      dropped: (reason) => this.dropped.add(reason),
    }, limit);
    this.#nodes.push(node);
    return Object.assign(node, { serve });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    for (const node of this.#testnet.toReversed()) await node.destroy();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A node of HyperDHT that does what the test tells it. */
export function plainNode(
  network: HolepunchNetwork,
  seed: Uint8Array = randomBytes(32),
): Promise<HyperNode> {
  return HyperNode.open({ host: HOST, port: 0, bootstrap: [network.bootstrap], seed });
}
