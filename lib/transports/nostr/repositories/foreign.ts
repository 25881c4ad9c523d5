/**
 * Repositories that others publish without gtr, by NIP-34 alone: ngit's, for one.
 *
 * @module
 */
import { RequestError } from "../../../common/errors.ts";
import { gitServerUrl } from "../../../common/git_server_url.ts";
import type { Wait } from "../../../common/wait.ts";
import type { ForeignState } from "../../../ports/naming.ts";
import type { NostrEvent } from "../events/event.ts";
import { ANNOUNCEMENT, STATE } from "../events/kinds.ts";
import { liveEvents } from "../events/live_events.ts";
import { mayAsk } from "../may_ask.ts";
import { formatNostrAddress, type NostrAddress } from "../names/address.ts";
import { Budget } from "../relays/budget.ts";
import type { Relays } from "../relays/relays.ts";
import { distinctUrls, relayUrl } from "../urls.ts";
import { decodeAnnouncement, type SignedAnnouncement } from "./announcement.ts";
import { chooseState, maintainersOf } from "./choose_state.ts";
import { deletionFilters, hasState } from "./lookup.ts";
import { decodeState, type SignedState } from "./state.ts";

/** Most git servers of one repository that are tried. */
export const MAX_SERVERS = 16;

const MAX_RELAYS = 16;
/** Maintainers name maintainers, and each may name further relays. */
const MAX_ROUNDS = 4;

/**
 * The newest state that the owner, or one of the recursive maintainers, signed, and the git servers
 * that they name. Relays that announcements name are asked too.
 *
 * @param address its relays are asked first, and count as what the user chose (`may_ask.ts`)
 * @returns undefined where its owner has announced no such repository
 * @throws {NetworkError} "unreachable" where no relay answers
 * @throws {RequestError} "no-state" where it is announced, but nobody signed its refs
 */
export async function foreignState(
  address: NostrAddress,
  relays: Relays,
  { signal }: Wait,
): Promise<ForeignState | undefined> {
  const { announcements, states } = await gather(address, relays, signal);
  const { pubkey, identifier } = address;
  if (!announcements.some(({ event }) => event.pubkey === pubkey)) return undefined;
  const keys = maintainersOf(pubkey, identifier, announcements);
  const state = chooseState(states, identifier, keys, () => undefined, relays.options.dropped);
  if (state === undefined) throw noState(address);

  const signer = state.event.pubkey;
  const inOrder = [signer, ...keys].flatMap((key) =>
    announcements.filter(({ event }) => event.pubkey === key)
  );
  const [oid = ""] = state.refs.values();
  return {
    publisher: pubkey,
    address: formatNostrAddress({ pubkey, identifier, relays: [] }),
    name: identifier,
    objectFormat: oid.length === 64 ? "sha256" : "sha1",
    head: headOf(state),
    refs: Object.fromEntries(state.refs),
    peeled: Object.fromEntries(state.peeled),
    changed: state.event.created_at,
    servers: serversOf(inOrder, address.relays),
  };
}

interface Gathered {
  readonly announcements: readonly SignedAnnouncement[];
  readonly states: readonly SignedState[];
}

/** Asks for what the keys say that are known so far, until no further key or relay comes up. */
async function gather(
  { pubkey, identifier, relays: hints }: NostrAddress,
  relays: Relays,
  signal: AbortSignal,
): Promise<Gathered> {
  const events: NostrEvent[] = [];
  const options = { suffices: hasState, budget: new Budget() };
  let found = decode(events);
  let asked: { keys: readonly string[]; urls: readonly string[] } = { keys: [], urls: [] };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const keys = maintainersOf(pubkey, identifier, found.announcements);
    const named = found.announcements.filter(({ event }) => keys.includes(event.pubkey))
      .flatMap((one) => one.relays).filter((url) => mayAsk(url, hints));
    const urls = distinctUrls([...hints, ...named], relayUrl, MAX_RELAYS);
    const others = urls.filter((url) => !asked.urls.includes(url));
    const newKeys = keys.filter((key) => !asked.keys.includes(key));
    const queries = [
      ...(others.length > 0 || round === 0
        ? [relays.query(others, filters(keys, identifier), signal, options)]
        : []),
      ...(newKeys.length > 0 && asked.urls.length > 0
        ? [relays.query(asked.urls, filters(newKeys, identifier), signal, options)]
        : []),
    ];
    // The first relays have to answer; what they point to may be gone.
    const answers = round === 0
      ? await Promise.all(queries)
      : (await Promise.allSettled(queries)).flatMap((one) =>
        one.status === "fulfilled" ? [one.value] : []
      );
    signal.throwIfAborted();
    if (queries.length === 0) break;
    events.push(...answers.flatMap((answer) => answer.events));
    found = decode(events);
    asked = { keys, urls };
  }
  return found;
}

function filters(authors: readonly string[], identifier: string) {
  return [
    { kinds: [ANNOUNCEMENT, STATE], authors, "#d": [identifier] },
    ...deletionFilters(authors, identifier),
  ];
}

function decode(events: readonly NostrEvent[]): Gathered {
  const live = liveEvents(events);
  return {
    announcements: live.flatMap((event) => decodeAnnouncement(event) ?? []),
    states: live.flatMap((event) => decodeState(event) ?? []),
  };
}

/** The `clone` URLs that anyone can fetch from without logging in, each once. */
function serversOf(
  announcements: readonly SignedAnnouncement[],
  chosen: readonly string[],
): string[] {
  const servers = announcements.flatMap(({ clone }) => clone).flatMap((text) => {
    const url = gitServerUrl(text);
    return url !== undefined && mayAsk(url.replace(/^git:/, "http:"), chosen) ? [url] : [];
  });
  return [...new Set(servers)].slice(0, MAX_SERVERS);
}

function headOf({ head, refs }: SignedState): string {
  const main = ["refs/heads/main", "refs/heads/master"].find((name) => refs.has(name));
  const first = [...refs.keys()].find((name) => name.startsWith("refs/heads/"));
  return head ?? main ?? first ?? "refs/heads/main";
}

function noState({ pubkey, identifier }: NostrAddress): RequestError {
  const address = formatNostrAddress({ pubkey, identifier, relays: [] });
  return new RequestError(
    "no-state",
    `can't read ${address}: it is announced, but its maintainers have signed no branches (30618)`,
    { hint: "its maintainers publish them with their next push" },
  );
}
