/**
 * Repository announcements (NIP-34, kind 30617).
 *
 * @module
 */
import { allTagValues, type EventTemplate, type NostrEvent, tagValue } from "../events/event.ts";
import { ANNOUNCEMENT } from "../events/kinds.ts";
import { identifierFault } from "../names/address.ts";
import { distinctUrls, relayUrl, webUrl } from "../urls.ts";

/** What an owner tells of a repository. */
export interface Announcement {
  readonly identifier: string;
  readonly name?: string;
  readonly description?: string;
  /** URLs that git itself can clone. */
  readonly clone: readonly string[];
  readonly web: readonly string[];
  /** Where its events are. */
  readonly relays: readonly string[];
  /** Blossom servers that have its packs; ngit's addition to the NIP. */
  readonly blossoms: readonly string[];
  /** Public keys of others whose announcements and states count too. */
  readonly maintainers: readonly string[];
  /** The earliest commit that is no other repository's, by which forks know each other. */
  readonly earliestUniqueCommit?: string;
}

/** An announcement as it was signed. */
export interface SignedAnnouncement extends Announcement {
  readonly event: NostrEvent;
}

const MAX_URLS = 16;
const MAX_URL = 1024;
const MAX_TEXT = 4096;
/** Most maintainers that one announcement can name. */
export const MAX_MAINTAINERS = 32;

/**
 * The event of an announcement.
 *
 * @param more tags of ours that others ignore
 */
export function encodeAnnouncement(
  announcement: Announcement,
  created: number,
  more: readonly string[][] = [],
): EventTemplate {
  const { identifier, name, description, earliestUniqueCommit } = announcement;
  const { clone, web, relays, blossoms, maintainers } = announcement;
  const tags = [["d", identifier]];
  if (name !== undefined) tags.push(["name", name]);
  if (description !== undefined) tags.push(["description", description]);
  if (earliestUniqueCommit !== undefined) tags.push(["r", earliestUniqueCommit, "euc"]);
  for (
    const [tag, values] of Object.entries({ clone, web, relays, blossoms, maintainers })
  ) {
    if (values.length > 0) tags.push([tag, ...values]);
  }
  tags.push(...more);
  return { kind: ANNOUNCEMENT, created_at: created, tags, content: "" };
}

/**
 * What an authentic event announces, or undefined where it announces nothing that can be used. URLs,
 * keys and texts out of bounds are left out of it.
 */
export function decodeAnnouncement(event: NostrEvent): SignedAnnouncement | undefined {
  const identifier = tagValue(event, "d");
  if (event.kind !== ANNOUNCEMENT || identifier === undefined || identifierFault(identifier)) {
    return undefined;
  }
  const euc = event.tags.find((tag) => tag[0] === "r" && tag[2] === "euc")?.[1];
  const keys = allTagValues(event, "maintainers").filter((key) => /^[0-9a-f]{64}$/.test(key));
  return {
    event,
    identifier,
    name: shortText(event, "name"),
    description: shortText(event, "description"),
    clone: distinctUrls(allTagValues(event, "clone"), cloneUrl, MAX_URLS),
    web: distinctUrls(allTagValues(event, "web"), webUrl, MAX_URLS),
    relays: distinctUrls(allTagValues(event, "relays"), relayUrl, MAX_URLS),
    blossoms: distinctUrls(allTagValues(event, "blossoms"), webUrl, MAX_URLS),
    maintainers: [...new Set(keys)].slice(0, MAX_MAINTAINERS),
    earliestUniqueCommit: euc !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(euc)
      ? euc
      : undefined,
  };
}

function shortText(event: NostrEvent, name: string): string | undefined {
  const text = tagValue(event, name);
  return text !== undefined && text.length <= MAX_TEXT ? text : undefined;
}

/**
 * A URL that can be given to git. Of the schemes only those that reach another machine: `ext::` runs
 * commands, `file:` reads this one.
 */
function cloneUrl(text: string): string | undefined {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  const harmful = text.length > MAX_URL || /[\s\x00-\x1f\x7f]/.test(text);
  return harmful || !/^(?:https?|git|ssh):\/\/[a-z0-9[]/i.test(text) || !URL.canParse(text)
    ? undefined
    : text;
}
