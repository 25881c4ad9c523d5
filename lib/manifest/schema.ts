/**
 * The form of a manifest, checked before any of it is used.
 *
 * @module
 */
import * as v from "valibot";
import { repositoryNameFault } from "../common/repository_name.ts";
import { isPlainObject } from "./canonical_json.ts";
import { isAnnounced } from "./flow.ts";
import { conflictingRef, isValidRefName } from "./ref_name.ts";
import type { Manifest } from "./types.ts";
import { MAX_WRITERS } from "./writers.ts";

/** Longest canonical text of a manifest, in bytes. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;
/** Most refs of a manifest. */
export const MAX_REFS = 50_000;
/** Most packs of a manifest. */
export const MAX_PACKS = 1_000;
/** Most tips of one pack. */
export const MAX_TIPS = 50_000;
/** Longest description, in UTF-16 code units. */
export const MAX_DESCRIPTION = 4_096;
/** Most networks in `endpoints`, and most endpoints of one network. */
export const MAX_ENDPOINTS = 32;
/** Longest endpoint, in UTF-16 code units. */
export const MAX_ENDPOINT = 1_024;

/** Longest name of a flow, in UTF-16 code units. */
const MAX_FLOW = 32;

const OID_DIGITS = { sha1: 40, sha256: 64 };

// Every message is given here: valibot's own repeat the value, of any length and with any character.
const text = v.string("not a text");

const hex = (digits: number) =>
  v.pipe(text, v.regex(new RegExp(`^[0-9a-f]{${digits}}$`), `not ${digits} hex digits`));

const whole = (least: number) =>
  v.pipe(
    v.number("not a number"),
    v.safeInteger("not a whole number"),
    v.minValue(least, `less than ${least}`),
  );

// v.record and v.looseObject leave out keys such as "constructor", so the maps of a manifest are
// checked by hand below, and the value itself, not valibot's copy of it, is what passes.
const map = v.custom<Record<string, unknown>>(isPlainObject, "not an object");

/** Said of a missing member as well as of a value that is no object. */
const form = (issue: v.LooseObjectIssue) =>
  issue.expected === "Object" ? "not an object" : "missing";

const PackSchema = v.looseObject({
  sha256: hex(64),
  size: whole(1),
  infohash: hex(40),
  objects: whole(1),
  tips: v.pipe(
    v.array(text, "not a list"),
    v.maxLength(MAX_TIPS, `more than ${MAX_TIPS}`),
  ),
}, form);

const ManifestSchema = v.looseObject({
  version: v.literal(1, "not a version that this gtr knows (1)"),
  publisher: hex(64),
  name: v.pipe(
    text,
    v.rawCheck(({ dataset, addIssue }) => {
      const fault = dataset.typed ? repositoryNameFault(dataset.value) : undefined;
      if (fault) addIssue({ message: fault });
    }),
  ),
  sequence: whole(1),
  created: whole(0),
  description: v.optional(v.pipe(text, v.maxLength(MAX_DESCRIPTION, "too long"))),
  objectFormat: v.picklist(["sha1", "sha256"], "neither sha1 nor sha256"),
  head: text,
  refs: map,
  peeled: v.optional(map),
  root: v.optional(text),
  packs: v.pipe(
    v.array(PackSchema, "not a list"),
    v.maxLength(MAX_PACKS, `more than ${MAX_PACKS}`),
  ),
  writers: v.optional(map),
  flow: v.optional(v.pipe(text, v.maxLength(MAX_FLOW, "too long"))),
  endpoints: map,
}, form);

/** Why `value` is no manifest, as "where: what"; undefined where it is one. */
export function manifestFault(value: unknown): string | undefined {
  if (!isPlainObject(value)) return "it is not an object";
  const result = v.safeParse(ManifestSchema, value, { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    return `${v.getDotPath(issue) ?? "it"}: ${issue.message}`;
  }
  const manifest = value as Manifest;
  return refsFault(manifest) ?? packsFault(manifest) ?? writersFault(manifest) ??
    endpointsFault(manifest.endpoints);
}

function writersFault({ writers = {} }: Manifest): string | undefined {
  const entries = Object.entries(writers);
  if (entries.length > MAX_WRITERS) return `writers: more than ${MAX_WRITERS}`;
  for (const [machine, last] of entries) {
    if (!/^[0-9a-f]{16}$/.test(machine)) return `writers: ${show(machine)} is not 16 hex digits`;
    if (!Number.isSafeInteger(last) || last < 1) return `writers.${machine}: no sequence number`;
  }
  return undefined;
}

function refsFault({ head, refs, peeled = {}, root, objectFormat }: Manifest): string | undefined {
  if (!isValidRefName(head) || !head.startsWith("refs/heads/")) {
    return `head: ${show(head)} is not a valid branch name`;
  }
  const names = Object.keys(refs);
  if (names.length > MAX_REFS) return `refs: more than ${MAX_REFS}`;
  const isOid = oidTest(objectFormat);
  for (const name of names) {
    if (!isValidRefName(name)) return `refs: ${show(name)} is not a valid ref name`;
    if (!isOid(refs[name])) return `refs: ${show(name)} has no ${objectFormat} object id`;
  }
  for (const [name, oid] of Object.entries(peeled)) {
    const isTag = name.startsWith("refs/tags/") && Object.hasOwn(refs, name);
    if (!isTag || !isOid(oid)) return `peeled: ${show(name)} is not a tag with an object id`;
  }
  if (root !== undefined && !isOid(root)) return `root: no ${objectFormat} object id`;
  const conflict = conflictingRef(names);
  return conflict && `refs: ${show(conflict)} can't exist beside another that is part of its name`;
}

function packsFault({ packs, objectFormat, flow }: Manifest): string | undefined {
  if (packs.length > 0 && isAnnounced({ flow })) return "packs: listed, but only announced";
  const isOid = oidTest(objectFormat);
  const seen = new Set<string>();
  for (const [index, pack] of packs.entries()) {
    if (seen.has(pack.sha256)) return `packs.${index}: listed twice`;
    seen.add(pack.sha256);
    if (!pack.tips.every(isOid)) return `packs.${index}.tips: not all are ${objectFormat} ids`;
  }
  const bytes = packs.reduce((sum, { size }) => sum + size, 0);
  if (!Number.isSafeInteger(bytes)) return "packs: more bytes than can be counted";
  // Those without tips belong to the next one that has some.
  return packs.at(-1)?.tips.length === 0 ? `packs.${packs.length - 1}.tips: empty` : undefined;
}

function endpointsFault(endpoints: Record<string, unknown>): string | undefined {
  const networks = Object.entries(endpoints);
  if (networks.length > MAX_ENDPOINTS) return `endpoints: more than ${MAX_ENDPOINTS} networks`;
  for (const [scheme, list] of networks) {
    if (!/^[a-z][a-z0-9+.-]{0,31}$/.test(scheme)) {
      return `endpoints: ${show(scheme)} is not a scheme`;
    }
    const right = Array.isArray(list) && list.length <= MAX_ENDPOINTS &&
      list.every((x) => typeof x === "string" && x.length <= MAX_ENDPOINT);
    if (!right) return `endpoints.${scheme}: not a short list of short texts`;
  }
  return undefined;
}

/** Tells object ids of one format; the all-zero id is none, it is git's word for "no object". */
function oidTest(objectFormat: Manifest["objectFormat"]): (value: unknown) => boolean {
  const form = new RegExp(`^(?!0+$)[0-9a-f]{${OID_DIGITS[objectFormat]}}$`);
  return (value) => typeof value === "string" && form.test(value);
}

/** A text from the network, short and harmless to a terminal. */
function show(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  return JSON.stringify(short).replace(/[\x7f-\x9f]/g, "?");
}
