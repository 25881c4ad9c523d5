/**
 * What a domain says of its names: `/.well-known/gtr.json`, of the shape of NIP-05.
 *
 * @module
 */
import * as v from "valibot";
import { RequestError, VerificationError } from "../common/errors.ts";
import { isPublisher } from "./publisher.ts";
import { formatRegistryName, type RegistryName } from "./registry_name.ts";

/** The most that such a document may have, in bytes. */
export const MAX_DOCUMENT = 65_536;

const Document = v.looseObject({
  // Not v.record: it leaves out the key "constructor", and only one entry has to be right.
  names: v.custom<Record<string, unknown>>((names) =>
    typeof names === "object" && names !== null && !Array.isArray(names)
  ),
});

/** Where the document for `name` is. */
export function documentUrl({ user, domain }: RegistryName): string {
  return `https://${domain}/.well-known/gtr.json?name=${user}`;
}

/**
 * The publisher that the document gives `name`: id or public key, lower-case hex. Other names and
 * members in it don't matter, so that one static file can serve all names of a domain.
 *
 * @throws {VerificationError} "bad-registry" where it is no such document
 * @throws {RequestError} "unknown-name" where the name is not in it
 */
export function publisherIn(document: Uint8Array, name: RegistryName): string {
  const who = formatRegistryName(name);
  let names: Record<string, unknown>;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(document);
    names = v.parse(Document, JSON.parse(text)).names;
  } catch (cause) {
    throw badRegistry(who, `what ${name.domain} answers is not a list of names`, cause);
  }
  if (!Object.hasOwn(names, name.user)) {
    throw new RequestError(
      "unknown-name",
      `can't find ${who}: ${name.domain} has no such name`,
      { hint: "check the name, or ask for the publisher's id" },
    );
  }
  const publisher = names[name.user];
  if (isPublisher(publisher)) return publisher;
  throw badRegistry(who, `${name.domain} gives it something else than a public key or an id`);
}

function badRegistry(who: string, why: string, cause?: unknown): VerificationError {
  return new VerificationError("bad-registry", `can't look up ${who}: ${why}`, {
    hint: "who runs the domain can mend it; until then use the publisher's id",
    cause,
  });
}
