/**
 * News of repositories, from peer to peer: who has a repository tells its peers of each new
 * publication, and who follows one keeps a few such peers connected.
 *
 * @module
 */
import { Mutex } from "../../common/mutex.ts";
import { abortable, deadline, sleep } from "../../common/wait.ts";
import type { Manifest } from "../../manifest/types.ts";
import type { Address } from "./address.ts";
import { readEndpoints } from "./addresses.ts";
import type { Dht } from "./dht/dht.ts";
import { mutableTarget } from "./dht/items.ts";
import { recordName } from "./resolver.ts";
import type { MeetingPeer, Swarm, SwarmMeeting } from "./swarm/swarm.ts";

/** So many peers are enough to hear of everything soon. */
const WANTED_PEERS = 4;
const MAX_DIALLING = 4;
/** Repositories whose peers are looked for at a time: gtd may have, or follow, any number. */
const MAX_SEARCHES = 4;
const LOOKUP_MS = 15_000;
/** How often peers are looked for while there are too few: twice as long each time. */
const SHORTEST_MS = 15_000;
const LONGEST_MS = 10 * 60_000;
/** How long all peers of a repository are looked for, and how long they may take to say something. */
const SEARCH_MS = 5000;
const SAY_MS = 1500;
/** How often it is looked whether all have said it, or have hung up. */
const LOOK_MS = 25;

interface Room {
  readonly meeting: SwarmMeeting;
  /** This node announces the repository. */
  announced: boolean;
  readonly listeners: Set<(sequence: number) => void>;
}

/** The repositories that this node has or follows. */
export class Notices implements Disposable {
  readonly #dht: Dht;
  readonly #swarm: Swarm;
  /** Target of a repository's record (hex) -> its peers. */
  readonly #rooms = new Map<string, Room>();
  readonly #stop = new AbortController();
  readonly #lanes = new Mutex();
  #searches = 0;

  constructor(parts: { readonly dht: Dht; readonly swarm: Swarm }) {
    this.#dht = parts.dht;
    this.#swarm = parts.swarm;
  }

  /** This publication can be had here: tells all peers, and those that connect later. */
  tell(manifest: Manifest): void {
    if (this.#stop.signal.aborted) return;
    const room = this.#room(targetOf(manifest).toString("hex"));
    room.announced = true;
    room.meeting.tell(manifest.sequence);
  }

  /** The record with this target has this sequence number in the DHT. */
  hear(target: Uint8Array, sequence: number): void {
    for (const listener of this.#rooms.get(target.toHex())?.listeners ?? []) listener(sequence);
  }

  /** Tells nobody any more. */
  forget(manifest: Manifest): void {
    const target = targetOf(manifest).toString("hex");
    const room = this.#rooms.get(target);
    if (!room) return;
    room.announced = false;
    this.#closeUnused(target, room);
  }

  /** Keeps in touch with peers of a repository until disposed; see `OpenNetwork.onNotice`. */
  watch(manifest: Manifest, listener: (sequence: number) => void): Disposable {
    const target = targetOf(manifest).toString("hex");
    const room = this.#room(target);
    const heard = (sequence: number) => listener(sequence);
    room.listeners.add(heard);
    const ending = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, ending.signal]);
    void this.#keepPeers(manifest, room.meeting, signal).catch(() => {}); // ends with its signal
    return {
      [Symbol.dispose]: () => {
        ending.abort();
        room.listeners.delete(heard);
        this.#closeUnused(target, room);
      },
    };
  }

  /**
   * The connected peers of a repository, and what each said last.
   *
   * @param search connect first to all that the manifest and the DHT name, as far as there is room
   */
  async members(
    manifest: Manifest,
    search: boolean,
    signal: AbortSignal,
  ): Promise<readonly MeetingPeer[]> {
    const target = targetOf(manifest).toString("hex");
    if (!search) return this.#rooms.get(target)?.meeting.members ?? [];
    const room = this.#room(target);
    const listener = () => {}; // keeps the connections for as long
    room.listeners.add(listener);
    try {
      using limit = deadline(SEARCH_MS, "peers of the repository", signal);
      await this.#dialAll(manifest, room.meeting, limit.signal);
      const { meeting } = room;
      const isDone = () => meeting.members.filter((m) => m.sequence > 0).length >= meeting.size;
      using patience = deadline(SAY_MS, "what they know", signal);
      while (!isDone() && await sleep(LOOK_MS, patience.signal).then(() => true, () => false));
      signal.throwIfAborted();
      return room.meeting.members;
    } finally {
      room.listeners.delete(listener);
      this.#closeUnused(target, room);
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const { meeting } of this.#rooms.values()) meeting[Symbol.dispose]();
    this.#rooms.clear();
  }

  #room(target: string): Room {
    const known = this.#rooms.get(target);
    if (known) return known;
    const listeners = new Set<(sequence: number) => void>();
    const meeting = this.#swarm.meet(target, (sequence) => {
      for (const listener of listeners) listener(sequence);
    });
    const room = { meeting, announced: false, listeners };
    this.#rooms.set(target, room);
    return room;
  }

  #closeUnused(target: string, room: Room): void {
    if (room.announced || room.listeners.size > 0 || this.#rooms.get(target) !== room) return;
    this.#rooms.delete(target);
    room.meeting[Symbol.dispose]();
  }

  /** Returns when all have answered, or at the abort. */
  async #dialAll(manifest: Manifest, meeting: SwarmMeeting, signal: AbortSignal): Promise<void> {
    const dials = readEndpoints(manifest.endpoints["torrent"]).map((a) => meeting.dial(a));
    try {
      for await (const address of this.#dht.lookup(targetOf(manifest), { signal })) {
        dials.push(meeting.dial(address));
      }
      await abortable(Promise.all(dials), signal);
    } catch {
      // Nobody answered in time; who did is connected.
    }
  }

  /**
   * The publisher first, if the manifest says where it is, then whoever the DHT knows. Several are
   * dialled at once: an address of a family that leads nowhere keeps nobody waiting.
   */
  async #keepPeers(manifest: Manifest, meeting: SwarmMeeting, signal: AbortSignal): Promise<void> {
    for (let intervalMs = SHORTEST_MS;; intervalMs = Math.min(LONGEST_MS, intervalMs * 2)) {
      const before = meeting.size;
      if (before < WANTED_PEERS) {
        const lane = String(this.#searches++ % MAX_SEARCHES);
        await this.#lanes.run(lane, () => this.#search(manifest, meeting, signal), signal);
      }
      if (meeting.size > before || meeting.size >= WANTED_PEERS) intervalMs = SHORTEST_MS;
      await sleep(intervalMs * (0.75 + Math.random() / 2), signal);
    }
  }

  async #search(manifest: Manifest, meeting: SwarmMeeting, signal: AbortSignal): Promise<void> {
    using limit = deadline(LOOKUP_MS, "peers that have news", signal);
    const dials = new Set<Promise<void>>();
    const dial = (address: Address) => {
      const dialling = meeting.dial(address).finally(() => dials.delete(dialling));
      dials.add(dialling);
    };
    try {
      readEndpoints(manifest.endpoints["torrent"]).forEach(dial);
      for await (const address of this.#dht.lookup(targetOf(manifest), limit)) {
        while (dials.size >= MAX_DIALLING) await abortable(Promise.race(dials), limit.signal);
        if (meeting.size >= WANTED_PEERS) break;
        dial(address);
      }
      await abortable(Promise.all(dials), limit.signal);
    } catch (error) {
      if (signal.aborted) throw error; // else nobody answered in time
    }
  }
}

function targetOf(manifest: Manifest) {
  return mutableTarget(recordName(manifest.publisher, manifest.name));
}
