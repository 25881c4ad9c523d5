/**
 * Names at a domain, `<user>@<domain>`, by the rules of NIP-05.
 *
 * @module
 */
import { UsageError } from "../common/errors.ts";

/** A name that a domain gives a publisher. Both parts are lower-case. */
export interface RegistryName {
  readonly user: string;
  readonly domain: string;
}

/** The longest user, '@' and the longest domain. */
const MAX_NAME = 64 + 1 + 253;
const USER = /^[a-z0-9_.-]{1,64}$/;
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
/** What ends so is an IPv4 address to who connects (URL Standard, "ends in a number"). */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

/** Whether `text` is the name of a host, or an IPv4 address, in lower case. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/**
 * Reads the two parts, in any letters.
 *
 * @returns the name, or what is wrong with it
 */
export function readRegistryName(user: string, domain: string): RegistryName | string {
  const name = { user: user.toLowerCase(), domain: domain.toLowerCase() };
  if (user.includes(":")) return "it has a password, and addresses are public";
  if (/:\d*$/.test(domain)) return "it has a port, and names at a domain have none";
  if (!USER.test(name.user)) return `'${user}' can't be the name of a user`;
  if (!isHost(name.domain)) return `'${name.domain}' is not the name of a domain`;
  if (ENDS_IN_NUMBER.test(name.domain)) return `'${name.domain}' is an address and not a domain`;
  return name;
}

/**
 * Reads `<user>@<domain>`.
 *
 * @throws {UsageError} "bad-name"
 */
export function parseRegistryName(text: string): RegistryName {
  const read = readText(text);
  if (typeof read === "object") return read;
  throw new UsageError("bad-name", `can't look up '${text.slice(0, 100)}': ${read}`, {
    hint: "write <user>@<domain>, such as alice@example.org",
  });
}

function readText(text: string): RegistryName | string {
  if (text.length > MAX_NAME) return `it has ${text.length} characters and ${MAX_NAME} is the most`;
  const at = text.indexOf("@");
  return at < 0 ? "it has no '@'" : readRegistryName(text.slice(0, at), text.slice(at + 1));
}

/** `<user>@<domain>` */
export function formatRegistryName({ user, domain }: RegistryName): string {
  return `${user}@${domain}`;
}
