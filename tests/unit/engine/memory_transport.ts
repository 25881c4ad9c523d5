/** Networks in memory: one that works between several nodes, and ones that misbehave. */
import { NetworkError } from "../../../lib/common/errors.ts";
import { publisherId } from "../../../lib/identity/keys.ts";
import type { RepoAddress } from "../../../lib/identity/address.ts";
import type { Manifest, PackRef, SignedManifest } from "../../../lib/manifest/types.ts";
import type {
  Health,
  PackFile,
  Transport,
  TransportEntry,
  Wait,
} from "../../../lib/transports/transport.ts";

/** A network that all transports made from it are nodes of. */
export class MemoryNetwork {
  /** "<id>/<name>" -> what was announced last. */
  readonly announced = new Map<string, SignedManifest>();
  /** SHA-256 -> files that are seeded. */
  readonly seeded = new Map<string, string[]>();
  /** Everything that nodes did, in order. */
  readonly events: string[] = [];

  entry(scheme = "torrent"): TransportEntry {
    return {
      scheme,
      isDefault: true,
      open: () => Promise.resolve(new MemoryTransport(this, scheme)),
    };
  }
}

/** A network that works, at once. Tests change single methods of it. */
export class MemoryTransport implements Transport {
  readonly flows = { announce: true, put: false };

  constructor(readonly network = new MemoryNetwork(), readonly scheme = "torrent") {}

  endpoints(): readonly string[] {
    return [];
  }

  async *resolve(address: RepoAddress, _wait: Wait): AsyncGenerator<SignedManifest> {
    this.network.events.push(`resolve ${address.name}`);
    const signed = this.network.announced.get(`${address.id}/${address.name}`);
    if (signed) yield await Promise.resolve(signed);
  }

  announce(signed: SignedManifest, packs: readonly PackFile[], _wait: Wait): Promise<void> {
    const { manifest } = signed;
    const lacking = manifest.packs.filter(({ sha256 }) => !this.network.seeded.has(sha256));
    this.network.events.push(
      `announce ${manifest.name} ${manifest.sequence}: ${packs.length} packs, ${lacking.length} not seeded`,
    );
    this.network.announced.set(keyOf(manifest), signed);
    return Promise.resolve();
  }

  forget(manifest: Manifest): Promise<void> {
    this.network.events.push(`forget ${manifest.name}`);
    this.network.announced.delete(keyOf(manifest));
    return Promise.resolve();
  }

  seed({ pack, path }: PackFile): Promise<AsyncDisposable> {
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

  peers(): number {
    return 0;
  }

  probe(): Promise<Health> {
    return this.health();
  }

  health(): Promise<Health> {
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
    Pick<Transport, "resolve" | "announce" | "fetch" | "seed" | "forget" | "maxPack">
  > = {},
): MemoryTransport {
  return Object.assign(new MemoryTransport(new MemoryNetwork(), scheme), changes);
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
