/** Networks in memory: one that works between several nodes, and ones that misbehave. */
import { NetworkError } from "../../../lib/common/errors.ts";
import { publisherId } from "../../../lib/identity/keys.ts";
import type { Streams } from "../../../lib/ports/streams.ts";
import type { RepoAddress } from "../../../lib/identity/address.ts";
import type { Wait } from "../../../lib/common/wait.ts";
import type { OpenManifest } from "../../../lib/manifest/manifest.ts";
import type { PackFile } from "../../../lib/manifest/pack_file.ts";
import type { Manifest, PackRef, SignedManifest } from "../../../lib/manifest/types.ts";
import type { Health, HealthPort, Reach } from "../../../lib/ports/health.ts";
import type { Network, OpenNetwork } from "../../../lib/ports/network.ts";
import type { Holder, HolderWait, Packs } from "../../../lib/ports/packs.ts";
import type { Records } from "../../../lib/ports/records.ts";

/** A network that all transports made from it are nodes of. */
export class MemoryNetwork {
  /** "<id>/<name>" -> what was announced last. */
  readonly announced = new Map<string, SignedManifest>();
  /** SHA-256 -> files that are seeded. */
  readonly seeded = new Map<string, string[]>();
  /** Everything that nodes did, in order. */
  readonly events: string[] = [];

  entry(scheme = "torrent"): Network {
    return {
      scheme,
      role: "peer",
      isDefault: true,
      open: ({ openManifest }) => Promise.resolve(new MemoryNode(this, scheme, openManifest)),
    };
  }
}

/** A network that works, at once. Tests change single methods of it. */
export class MemoryNode implements OpenNetwork, Records, Packs, HealthPort {
  readonly role: Network["role"] = "peer";
  readonly searchable = false;
  // Ports are the node itself, so that a test changes a method in one place.
  readonly records: Records = this;
  readonly packs: Packs = this;
  readonly health: HealthPort = this;
  readonly streams?: Streams;

  constructor(
    readonly network = new MemoryNetwork(),
    readonly scheme = "torrent",
    readonly openManifest?: OpenManifest,
  ) {}

  endpoints(): readonly string[] {
    return [];
  }

  async *resolve(address: RepoAddress, _wait: Wait): AsyncGenerator<SignedManifest> {
    this.network.events.push(`resolve ${address.name}`);
    const signed = this.network.announced.get(`${address.id}/${address.name}`);
    const { id, name } = address;
    if (signed) yield await Promise.resolve(this.openManifest?.(signed, { id, name }) ?? signed);
  }

  publish(signed: SignedManifest, packs: readonly PackFile[], _wait: Wait): Promise<void> {
    const { manifest } = signed;
    const lacking = manifest.packs.filter(({ sha256 }) => !this.network.seeded.has(sha256));
    this.network.events.push(
      `announce ${manifest.name} ${manifest.sequence}: ${packs.length} packs, ${lacking.length} not seeded`,
    );
    this.network.announced.set(keyOf(manifest), signed);
    return Promise.resolve();
  }

  retract(manifest: Manifest): Promise<void> {
    this.network.events.push(`forget ${manifest.name}`);
    this.network.announced.delete(keyOf(manifest));
    return Promise.resolve();
  }

  offer({ pack, path }: PackFile): Promise<AsyncDisposable> {
    const { seeded, events } = this.network;
    events.push(`seed ${pack.sha256}`);
    seeded.set(pack.sha256, [...seeded.get(pack.sha256) ?? [], path]);
    return Promise.resolve({
      [Symbol.asyncDispose]: () => {
        events.push(`unseed ${pack.sha256}`);
        const others = (seeded.get(pack.sha256) ?? []).filter((other) => other !== path);
        if (others.length > 0) seeded.set(pack.sha256, others);
        else seeded.delete(pack.sha256);
        return Promise.resolve();
      },
    });
  }

  async fetch(pack: PackRef, _from: SignedManifest, into: string, wait: Wait): Promise<void> {
    this.network.events.push(`fetch ${pack.sha256}`);
    const [path] = this.network.seeded.get(pack.sha256) ?? [];
    if (!path) throw new NetworkError("nobody-answered", "nobody has it");
    await Deno.copyFile(path, into);
    wait.progress?.(pack.size, pack.size, "receiving");
  }

  maxBytes(): number | undefined {
    return undefined;
  }

  holders(_manifest: Manifest, _wait: HolderWait): Promise<readonly Holder[]> {
    return Promise.resolve([]);
  }

  peers(): number {
    return 0;
  }

  reach(): Reach | undefined {
    return undefined;
  }

  measured(): Promise<void> {
    return Promise.resolve();
  }

  probe(): Promise<Health> {
    return this.now();
  }

  now(): Promise<Health> {
    return Promise.resolve({ reachable: true, summary: "in memory", details: { nodes: 1 } });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** A transport that works but for the methods that are given. */
export function transport(
  scheme: string,
  changes: Partial<
    & Pick<Records, "resolve" | "publish" | "retract">
    & Pick<Packs, "fetch" | "offer" | "maxBytes">
  > = {},
): MemoryNode {
  return Object.assign(new MemoryNode(new MemoryNetwork(), scheme), changes);
}

/** Never settles, but for the signal's reason. */
export function silence({ signal }: Wait): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function keyOf(manifest: Manifest): string {
  return `${publisherId(Uint8Array.fromHex(manifest.publisher))}/${manifest.name}`;
}
