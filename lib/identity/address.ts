/**
 * Repository addresses: `torrent://<id>/<name>` and its other forms.
 *
 * @module
 */
import { isIPv6 } from "node:net";
import { UsageError } from "../common/errors.ts";
import { printableLine } from "../common/printable.ts";
import { repositoryNameFault } from "../common/repository_name.ts";
import { isPetname, looksLikeId } from "./petname.ts";
import { idOf, isPublisher } from "./publisher.ts";
import { isHost, readRegistryName, type RegistryName } from "./registry_name.ts";

/** A publisher and the name of one of its repositories, as found on one network. */
export interface RepoAddress {
  /** The network: "torrent". Lower-case. */
  readonly scheme: string;
  /** The publisher's id, 40 lower-case hex digits. */
  readonly id: string;
  /** The publisher's public key, 64 lower-case hex digits, where it is known. */
  readonly publicKey?: string;
  /** The repository's name. */
  readonly name: string;
  /**
   * The server to ask, "host" or "host:port" (an IPv6 address in brackets), on the network whose
   * addresses may name one.
   */
  readonly host?: string;
}

/** `torrent://<petname>/<name>`. */
export interface PetnameAddress {
  readonly scheme: string;
  readonly petname: string;
  readonly name: string;
}

/** `torrent://<user>@<registry domain>/<name>`. */
export interface RegistryAddress extends RegistryName {
  readonly scheme: string;
  readonly name: string;
}

/** An address whose publisher is named in the network's own way: `nostr://npub1.../<name>`. */
export interface NetworkAddress {
  readonly scheme: string;
  /** The whole of it: only the network can read it. */
  readonly url: string;
}

/** Any form that an address may be written in. */
export type AddressForm = RepoAddress | PetnameAddress | RegistryAddress | NetworkAddress;

const MAX_URL = 1024;
/** The networks with names of their own for publishers; ids and keys of gtr's are read as ever. */
const WITH_OWN_NAMES = ["nostr"];
/** The network whose addresses may name a server: `default://<host>[:port]/<id>/<name>`. */
const WITH_HOST = "default";
/** What git accepts as the scheme of a remote helper. */
const SCHEME = /^[a-z][a-z0-9+.-]*$/i;

/**
 * Reads an address in any of its forms. A trailing `/` and a trailing `.git` are taken off, ids are
 * lower-cased, and the id of a public key is computed.
 *
 * @throws {UsageError} "bad-address" that says what exactly is wrong
 */
export function parseAddress(url: string): AddressForm {
  const separator = url.indexOf("://");
  const scheme = separator < 0 ? "" : url.slice(0, separator).toLowerCase();
  if (WITH_OWN_NAMES.includes(scheme) && !/^[0-9a-f]{40,}\//i.test(url.slice(separator + 3))) {
    return { scheme, url };
  }
  const fail = (why: string) => badAddress(url, why, SCHEME.test(scheme) ? scheme : "torrent");

  const fault = urlFault(url);
  if (fault) throw fail(fault);
  if (separator < 0) throw fail("it has no '<scheme>://' in front");
  if (!SCHEME.test(scheme)) throw fail(`'${scheme}' is not the name of a network`);

  let rest = url.slice(separator + 3);
  let host: string | undefined;
  const withHost = scheme === WITH_HOST && /^([^/]*)\/([^/]+\/[^/]+\/*)$/.exec(rest);
  if (withHost) {
    host = withHost[1]!.toLowerCase();
    rest = withHost[2]!;
    const hostFault = hostPortFault(host);
    if (hostFault) throw fail(hostFault);
    if (!looksLikeId(rest.slice(0, rest.indexOf("/")))) {
      throw fail("between the host and the name stands the publisher's id or public key");
    }
  }
  const slash = rest.indexOf("/");
  const publisher = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash + 1).replace(/\/+$/, "");
  if (publisher === "") throw fail("the publisher is missing");
  if (path === "") throw fail("the repository's name is missing");
  if (path.includes("/")) throw fail(`'${path}' has path parts, and a repository's name has none`);
  const name = path.replace(/\.git$/, "");
  const nameFault = repositoryNameFault(name);
  if (nameFault) throw fail(`'${path}' can't be a repository's name: ${nameFault}`);

  const at = publisher.indexOf("@");
  if (at >= 0) {
    const read = readRegistryName(publisher.slice(0, at), publisher.slice(at + 1));
    if (typeof read === "string") throw fail(read);
    return { scheme, ...read, name };
  }
  if (publisher.includes(":")) throw fail("it has a port or password, and publishers have none");
  if (looksLikeId(publisher)) {
    const address = publisherAddress(scheme, publisher, name);
    if (address) return host === undefined ? address : { ...address, host };
    throw fail(`its publisher has ${publisher.length} hex digits; an id has 40, a public key 64`);
  }
  if (isPetname(publisher)) return { scheme, petname: publisher, name };
  throw fail(`'${publisher}' is neither an id (40 hex digits), a public key (64) nor a name`);
}

/** The canonical form, `torrent://<40 hex id>/<name>`, after the host where it has one. */
export function formatAddress(address: RepoAddress): string {
  const host = address.host === undefined ? "" : `${address.host}/`;
  return `${address.scheme}://${host}${address.id}/${address.name}`;
}

/**
 * Returns `name` where a repository may be called so.
 *
 * @throws {UsageError} "bad-name"
 */
export function checkRepositoryName(name: string): string {
  const fault = repositoryNameFault(name);
  if (fault === undefined) return name;
  throw new UsageError("bad-name", `can't call a repository ${quote(name)}: ${fault}`, {
    hint: "use up to 64 letters, digits, '.', '_' and '-', such as my-project",
  });
}

/** The address for an id or a public key in hex; undefined where `publisher` is neither. */
export function publisherAddress(
  scheme: string,
  publisher: string,
  name: string,
): RepoAddress | undefined {
  const hex = publisher.toLowerCase();
  if (!isPublisher(hex)) return undefined;
  const id = idOf(hex);
  return hex === id ? { scheme, id, name } : { scheme, id, publicKey: hex, name };
}

/** What is wrong with the URL as a text, before its parts are looked at. */
function urlFault(url: string): string | undefined {
  if (url === "") return "it is empty";
  if (url.length > MAX_URL) return `it has ${url.length} characters and ${MAX_URL} is the most`;
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\s\x00-\x1f\x7f-\x9f]/.test(url)) return "it contains a space or a control character";
  if (url.includes("#")) return "it has a fragment ('#...')";
  if (url.includes("?")) return "it has a query ('?...')";
  if (url.includes("%")) return "it has a percent-escape ('%..')";
  if (url.includes("\\")) return "it has a backslash where only '/' can be";
  return undefined;
}

/** What is wrong with "host" or "host:port"; an IPv6 address is in brackets (RFC 3986, 3.2.2). */
function hostPortFault(text: string): string | undefined {
  if (text.includes("@")) return "it has a user, and servers are not logged in to";
  const [, host, address, port] = /^(\[(.*)\]|.*?)(?::(\d*))?$/s.exec(text)!;
  if (address !== undefined && !isIPv6(address)) return `'${address}' is not an IPv6 address`;
  if (address === undefined && !isHost(host!)) {
    return isIPv6(text)
      ? `an IPv6 address is written in brackets: [${text}]`
      : `'${host}' is neither a host's name nor an IP address`;
  }
  if (port === undefined || (/^[1-9]\d{0,4}$/.test(port) && Number(port) < 65536)) return undefined;
  return `'${port}' is not a port`;
}

function badAddress(url: string, why: string, scheme: string): UsageError {
  return new UsageError("bad-address", `can't use ${quote(url)} as an address: ${why}`, {
    hint: `write ${scheme}://<40 hex digits>/<name>, ${scheme}://<64 hex digits>/<name>, ` +
      `${scheme}://<petname>/<name> or ${scheme}://<user>@<domain>/<name>`,
  });
}

/** A person's input for an error: short, and harmless to a terminal. */
function quote(text: string): string {
  const short = text.length > 100 ? `${text.slice(0, 100)}...` : text;
  return `'${printableLine(short)}'`;
}
