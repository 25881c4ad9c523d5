/**
 * Where the peers of one repository meet: a torrent without content, under the target of the
 * repository's record, whose peers tell each other of news.
 *
 * @module
 */
import { addressKey, type PeerAddress } from "./candidates.ts";
import { exchangeNotices } from "./notice.ts";
import { type Peer, type SwarmContext, Torrent } from "./torrent.ts";
import type { PeerWire } from "./wire.ts";

/** Peers of one repository; more only repeat the same. */
const MAX_PEERS = 30;

/** What {@linkcode Meeting} is made from. */
export interface MeetingOptions {
  /** The record's target, 40 hex digits. */
  readonly target: string;
  /** Whether the swarm has room for one more connection of this kind. */
  readonly hasRoom: () => boolean;
  /** Called with each sequence number that a peer tells. */
  readonly heard: (sequence: number) => void;
}

/** A connected peer of one repository. */
export interface MeetingPeer {
  /** 40 hex digits of its own choice, the same for all its connections. */
  readonly id: string;
  /** Where it is connected from. */
  readonly host: string;
  /** Where it says that it listens. */
  readonly address: PeerAddress | undefined;
  /** The highest sequence number that it told, 0 for none. */
  readonly sequence: number;
}

/** What is exchanged with one peer. */
interface Talk {
  readonly tell: () => void;
  told: number;
}

/** The connected peers of one repository. */
export class Meeting extends Torrent {
  readonly #options: MeetingOptions;
  readonly #talks = new Map<Peer, Talk>();
  #sequence = 0;

  constructor(swarm: SwarmContext, options: MeetingOptions) {
    super(swarm, options.target);
    this.#options = options;
  }

  /** How many peers are connected, or about to be. */
  get size(): number {
    return this.peerSet.size;
  }

  /** The peers that have shaken hands. */
  get members(): MeetingPeer[] {
    return [...this.peerSet].filter(({ ready }) => ready).map((peer) => ({
      id: peer.id,
      host: peer.wire.host,
      address: peer.address,
      sequence: this.#talks.get(peer)?.told ?? 0,
    }));
  }

  /** Tells all peers, now and later, that this publication is known here. */
  tell(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
    for (const { tell } of this.#talks.values()) tell();
  }

  /** Connects to one more peer, unless it is here already or there is no room. */
  async dial(address: PeerAddress): Promise<void> {
    if (!this.#isOpen() || this.peers.includes(addressKey(address))) return;
    const wire = await this.swarm.connect(address).catch(() => undefined);
    if (!wire) return;
    if (this.#isOpen()) this.adopt(wire, address);
    else wire.close();
  }

  override async accept(wire: PeerWire, id: string): Promise<void> {
    if (this.#isOpen()) await super.accept(wire, id);
    else wire.close("too-many-connections");
  }

  #isOpen(): boolean {
    return !this.closed && this.size < MAX_PEERS && this.#options.hasRoom();
  }

  protected override prepare(): undefined {
    return undefined;
  }

  protected override requestMetadata(peer: Peer): void {
    const talk: Talk = {
      tell: exchangeNotices(peer.wire, () => this.#sequence, (sequence) => {
        talk.told = Math.max(talk.told, sequence);
        this.#options.heard(sequence);
      }),
      told: 0,
    };
    this.#talks.set(peer, talk);
  }

  protected override joined(): void {}

  protected override learned(): void {}

  protected override left(peer: Peer): void {
    this.#talks.delete(peer);
  }
}
