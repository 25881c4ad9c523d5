/**
 * Repository states (NIP-34, kind 30618): the refs, as their owner or a maintainer says they are.
 *
 * @module
 */
import { conflictingRef, isValidRefName } from "../../../manifest/ref_name.ts";
import { type EventTemplate, type NostrEvent, tagValue } from "../events/event.ts";
import { STATE } from "../events/kinds.ts";
import { identifierFault } from "../names/address.ts";

/** The refs of a repository at one time. */
export interface RepositoryState {
  readonly identifier: string;
  /** Full name of a branch or tag -> object id. */
  readonly refs: ReadonlyMap<string, string>;
  /** Annotated tag -> what it leads to in the end. */
  readonly peeled: ReadonlyMap<string, string>;
  /** The branch that HEAD names, as a full ref name. */
  readonly head?: string;
}

/** A state as it was signed. */
export interface SignedState extends RepositoryState {
  readonly event: NostrEvent;
}

const SHARED = /^refs\/(?:heads|tags)\//;
const PEELED = "^{}";
const OID = /^(?!0+$)(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The event of a state.
 *
 * @param more tags of ours that others ignore, and what others ignore in the content
 */
export function encodeState(
  { identifier, refs, peeled, head }: RepositoryState,
  created: number,
  more: { readonly tags: readonly string[][]; readonly content: string } = {
    tags: [],
    content: "",
  },
): EventTemplate {
  const tags = [["d", identifier]];
  for (const [name, oid] of refs) {
    if (!SHARED.test(name)) continue;
    tags.push([name, oid]);
    const target = peeled.get(name);
    if (target !== undefined) tags.push([name + PEELED, target]);
  }
  if (head !== undefined) tags.push(["HEAD", `ref: ${head}`]);
  tags.push(...more.tags);
  return { kind: STATE, created_at: created, tags, content: more.content };
}

/**
 * The refs that an authentic event states. Undefined where one of them is wrong: half of a state
 * would look like deleted branches. Tags that are neither branch nor tag of git are not looked at.
 */
export function decodeState(event: NostrEvent): SignedState | undefined {
  const identifier = tagValue(event, "d");
  if (event.kind !== STATE || identifier === undefined || identifierFault(identifier)) {
    return undefined;
  }
  const refs = new Map<string, string>();
  const peeled = new Map<string, string>();
  for (const [name, oid] of event.tags) {
    if (!SHARED.test(name!)) continue;
    const isPeeled = name!.endsWith(PEELED);
    const ref = isPeeled ? name!.slice(0, -PEELED.length) : name!;
    const into = isPeeled ? peeled : refs;
    if (!isValidRefName(ref) || !OID.test(oid ?? "") || into.has(ref)) return undefined;
    into.set(ref, oid!);
  }
  if (conflictingRef([...refs.keys()]) !== undefined) return undefined;
  if (new Set([...refs.values(), ...peeled.values()].map((oid) => oid.length)).size > 1) {
    return undefined; // object ids of two formats
  }
  for (const ref of peeled.keys()) {
    if (!ref.startsWith("refs/tags/") || !refs.has(ref)) return undefined;
  }
  const head = /^ref: (.+)$/.exec(tagValue(event, "HEAD") ?? "")?.[1];
  const isBranch = head !== undefined && head.startsWith("refs/heads/") && isValidRefName(head);
  return { event, identifier, refs, peeled, head: isBranch ? head : undefined };
}
