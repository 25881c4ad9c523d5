/**
 * What relays have of one repository.
 *
 * @module
 */
import { NetworkError } from "../../../common/errors.ts";
import type { NostrEvent } from "../events/event.ts";
import {
  ANNOUNCEMENT,
  BLOSSOM_LIST,
  DELETION,
  FILE_METADATA,
  RELAY_LIST,
  STATE,
} from "../events/kinds.ts";
import { liveEvents } from "../events/live_events.ts";
import { decodeBlossomList, decodeRelayList } from "../events/server_lists.ts";
import { mayAsk } from "../may_ask.ts";
import type { NostrAddress } from "../names/address.ts";
import { Budget } from "../relays/budget.ts";
import type { Filter } from "../relays/filter.ts";
import type { QueryOptions, Relays } from "../relays/relays.ts";
import { distinctUrls, relayUrl, webUrl } from "../urls.ts";
import { decodeAnnouncement, type SignedAnnouncement } from "./announcement.ts";
import { BoundedCache } from "./bounded_cache.ts";
import { decodePack, type PackMetadata } from "./pack_event.ts";
import { decodeState, type SignedState } from "./state.ts";

/** A pack, and the event that tells of it. */
export interface PackEvent {
  readonly event: NostrEvent;
  readonly metadata: PackMetadata;
}

/** The newest events of a repository by one key, those that were deleted left out. */
export interface RepositoryEvents {
  readonly address: NostrAddress;
  readonly announcement?: SignedAnnouncement;
  readonly state?: SignedState;
  readonly packs: readonly PackEvent[];
  /** Blossom servers that may have its blobs. */
  readonly servers: readonly string[];
}

/** What was found, and who was not heard. */
export interface RepositoryAnswer extends RepositoryEvents {
  /** Relays that didn't answer: what they have of it is not known. */
  readonly silent: readonly string[];
}

/** What is remembered stands in for asking again, within so many milliseconds. */
const SOON_MS = 5_000;
/** The same for where packs are, which changes seldom. */
const LATER_MS = 60_000;
const REMEMBERED = { entries: 256, bytes: 32 * 1024 * 1024, age: LATER_MS };
const MAX_SERVERS = 16;
const MAX_RELAYS = 16;
const MAX_CANDIDATES = 64;

/** The tag value by which a repository is found on relays that know no more than gtr's id of it. */
export function repositoryTag(id: string, name: string): string {
  return `gtr:${id}/${name}`;
}

/** Asks relays about repositories. */
export class RepositoryLookup {
  readonly #recent: BoundedCache<{ readonly events: RepositoryEvents; again: boolean }>;

  /**
   * @param own the relays that the user set
   * @param now milliseconds, from any point on
   */
  constructor(readonly relays: Relays, readonly own: readonly string[], now?: () => number) {
    this.#recent = new BoundedCache(REMEMBERED, now);
  }

  /** The user's relays and those of an address, each once. */
  relaysOf(hints: readonly string[]): string[] {
    return distinctUrls([...hints, ...this.own], relayUrl, MAX_RELAYS);
  }

  /** Relays that may have events that those of a repository name: as for its address, then as it says. */
  relaysFor({ address, announcement }: RepositoryEvents): string[] {
    const chosen = this.relaysOf(address.relays);
    const named = (announcement?.relays ?? []).filter((url) => mayAsk(url, chosen));
    return distinctUrls([...chosen, ...named], relayUrl, MAX_RELAYS);
  }

  /**
   * Asks the relays of `address` and the user's; where these know nothing, also those that the
   * author names.
   *
   * @param enough relays after whose answers, whatever they know, slow ones aren't waited for
   * @throws {NetworkError} "unreachable" where no relay answers, or there is none to ask
   */
  async ask(
    address: NostrAddress,
    signal: AbortSignal,
    enough = Infinity,
  ): Promise<RepositoryAnswer> {
    const chosen = this.relaysOf(address.relays);
    if (chosen.length === 0) {
      throw new NetworkError(
        "unreachable",
        `can't look for ${address.identifier}: no relay is known`,
        {
          hint:
            "gtr config nostr.relays wss://..., or an address that names a relay; a gtd that runs " +
            "has the settings of its start until gtr daemon stop",
        },
      );
    }
    const filters = filtersOf(address);
    const options: QueryOptions = {
      suffices: (events, relays) => hasState(events) || relays >= enough,
      budget: new Budget(),
    };
    const { events, failed } = await this.relays.query(chosen, filters, signal, options);
    let found = readEvents(events, address, chosen);
    if (found.state === undefined) {
      const lists = events.flatMap((event) => decodeRelayList(event)?.write ?? []);
      const named = [...found.announcement?.relays ?? [], ...lists];
      const more = distinctUrls(named, relayUrl, MAX_RELAYS)
        .filter((url) => !chosen.includes(url) && mayAsk(url, chosen));
      const answer = more.length === 0
        ? undefined
        : await this.relays.query(more, filters, signal, options).catch(() => undefined);
      signal.throwIfAborted();
      if (answer) found = readEvents([...events, ...answer.events], address, chosen);
    }
    this.#recent.set(keyOf(address), { events: found, again: false }, sizeOfEvents(found));
    return { ...found, silent: [...failed.keys()] };
  }

  /** What was {@linkcode keep kept} a moment ago, once; else asks. */
  async askAgain(address: NostrAddress, signal: AbortSignal): Promise<RepositoryEvents> {
    const recent = this.#recent.get(keyOf(address), SOON_MS);
    if (!recent?.again) return await this.ask(address, signal);
    recent.again = false;
    return recent.events;
  }

  /** Has the next question for the same answered from memory: it belongs to this one. */
  keep(address: NostrAddress): void {
    const recent = this.#recent.get(keyOf(address));
    if (recent) recent.again = true;
  }

  /** What was last asked; undefined where that is some time ago. */
  remembered(address: NostrAddress): RepositoryEvents | undefined {
    return this.#recent.get(keyOf(address))?.events;
  }

  /** The announcements that carry a tag `i` of this value: anyone's, and at most a few. */
  async byTag(value: string, signal: AbortSignal): Promise<NostrEvent[]> {
    const filter = { kinds: [ANNOUNCEMENT], "#i": [value] };
    const { events } = await this.relays.query(this.own, [filter], signal);
    return liveEvents(events).slice(0, MAX_CANDIDATES);
  }
}

function keyOf({ pubkey, identifier }: NostrAddress): string {
  return `${pubkey} ${identifier}`;
}

/** Whether slow relays need not be waited for: of what is looked for, the state is what counts. */
export function hasState(events: readonly NostrEvent[]): boolean {
  return events.some(({ kind }) => kind === STATE);
}

/** What is asked for to know a repository. */
export function filtersOf({ pubkey, identifier }: NostrAddress): Filter[] {
  const address = `${ANNOUNCEMENT}:${pubkey}:${identifier}`;
  return [
    { kinds: [ANNOUNCEMENT, STATE], authors: [pubkey], "#d": [identifier] },
    { kinds: [FILE_METADATA], authors: [pubkey], "#a": [address] },
    ...deletionFilters([pubkey], identifier),
    { kinds: [RELAY_LIST, BLOSSOM_LIST], authors: [pubkey] },
  ];
}

/**
 * Requests to delete announcements and states of a repository: those that name their addresses, and
 * those that may name no more than their ids, as some programs' do (NIP-09).
 */
export function deletionFilters(authors: readonly string[], identifier: string): Filter[] {
  const kinds = [ANNOUNCEMENT, STATE];
  const addresses = authors.flatMap((author) =>
    kinds.map((kind) => `${kind}:${author}:${identifier}`)
  );
  return [
    { kinds: [DELETION], authors, "#a": addresses },
    { kinds: [DELETION], authors, "#k": kinds.map(String) },
  ];
}

/** What counts of authentic events, from relays that the user chose. */
export function readEvents(
  events: readonly NostrEvent[],
  address: NostrAddress,
  chosen: readonly string[],
): RepositoryEvents {
  const live = liveEvents(events);
  const announcement = first(live, address, decodeAnnouncement);
  const lists = live.flatMap((event) => decodeBlossomList(event) ?? []);
  const servers = distinctUrls([...announcement?.blossoms ?? [], ...lists], webUrl, MAX_SERVERS);
  return {
    address: { ...address, relays: chosen },
    announcement,
    state: first(live, address, decodeState),
    packs: live.flatMap((event) => {
      const metadata = decodePack(event, address);
      return metadata ? [{ event, metadata }] : [];
    }),
    servers: servers.filter((url) => mayAsk(url, chosen)),
  };
}

/** The events that were read. */
export function eventsOf({ announcement, state, packs }: RepositoryEvents): NostrEvent[] {
  return [
    ...packs.map(({ event }) => event),
    ...announcement ? [announcement.event] : [],
    ...state ? [state.event] : [],
  ];
}

/** About how many bytes of memory they take. */
export function sizeOfEvents(events: RepositoryEvents): number {
  return eventsOf(events).reduce((sum, event) => sum + JSON.stringify(event).length, 0);
}

/** An event with several tags `d` answers to each of them, but is only what its first one says. */
function first<T extends { readonly identifier: string }>(
  events: readonly NostrEvent[],
  { identifier }: NostrAddress,
  decode: (event: NostrEvent) => T | undefined,
): T | undefined {
  for (const event of events) {
    const decoded = decode(event);
    if (decoded?.identifier === identifier) return decoded;
  }
  return undefined;
}
