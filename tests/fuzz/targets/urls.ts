/** Addresses of every network, and URLs of servers. */
import assert from "node:assert/strict";
import { gitServerUrl, hostOf } from "../../../lib/common/git_server_url.ts";
import { canonicalIp, ipBytes, ipText, placeOf } from "../../../lib/common/ip_address.ts";
import { mayDial, reachOf } from "../../../lib/common/reach.ts";
import { repositoryNameFault } from "../../../lib/common/repository_name.ts";
import { formatAddress, parseAddress } from "../../../lib/identity/address.ts";
import { isPetname } from "../../../lib/identity/petname.ts";
import { formatRegistryName, parseRegistryName } from "../../../lib/identity/registry_name.ts";
import { formatEndpoint, parseEndpoint } from "../../../lib/transports/default/endpoint.ts";
import { parseRequestPath } from "../../../lib/transports/default/request_path.ts";
import {
  formatNostrAddress,
  parseNostrAddress,
} from "../../../lib/transports/nostr/names/address.ts";
import { isInside, relayUrl, webUrl } from "../../../lib/transports/nostr/urls.ts";
import {
  compactAddress,
  formatHostPort,
  parseHostPort,
  readCompact,
} from "../../../lib/transports/torrent/address.ts";
import { accepted, simple, type Target, textOf } from "../target.ts";

export const make = (): Target =>
  simple({
    form: "bytes",
    maxBytes: 8192,
    check,
  });

function check(input: Uint8Array): boolean {
  const compact = readCompact(input);
  if (compact) {
    // One form for each address: IPv4 within IPv6 becomes IPv4.
    const again = readCompact(compactAddress(compact));
    assert.deepEqual(again, compact);
  }
  const text = textOf(input);
  return [gtr(text), nostr(text), server(text), host(text), place(text)].some((right) => right);
}

function gtr(text: string): boolean {
  const address = accepted(() => parseAddress(text));
  if (address && "id" in address) {
    assert.match(address.id, /^[0-9a-f]{40}$/);
    assert.equal(repositoryNameFault(address.name), undefined);
    const { publicKey: _, ...again } = parseAddress(formatAddress(address)) as typeof address;
    const { publicKey: __, ...before } = address;
    assert.deepEqual({ ...again }, { ...before });
  }
  const name = accepted(() => parseRegistryName(text));
  if (name) assert.deepEqual(parseRegistryName(formatRegistryName(name)), name);
  if (isPetname(text)) assert.ok(text.length <= 64 && !/[\s/@:]/.test(text));
  return address !== undefined && !("url" in address);
}

function nostr(text: string): boolean {
  const address = accepted(() => parseNostrAddress(text));
  if (!address) return false;
  for (const relay of address.relays) isInside(relay);
  if (!("pubkey" in address)) return true;
  const again = parseNostrAddress(formatNostrAddress(address));
  assert.deepEqual(again, { ...address, relays: address.relays.slice(0, 1) });
  return true;
}

function server(text: string): boolean {
  const url = gitServerUrl(text);
  if (url !== undefined) {
    assert.match(url, /^(https?|git):\/\/[^/@\\\s]+\//);
    assert.equal(gitServerUrl(url), url, "one form");
    const { host, port } = hostOf(url);
    assert.ok(host !== "" && port >= 0 && port <= 65_535);
    const written = /^git:\/\/[^/]*:(\d+)\//i.exec(text)?.[1];
    if (written !== undefined) assert.equal(port, Number(written), "the port that was written");
    reachOf(host);
  }
  for (const form of [relayUrl, webUrl]) {
    const one = form(text);
    if (one === undefined) continue;
    assert.equal(form(one), one, "one form");
    assert.equal(new URL(one).username, "");
    isInside(one);
  }
  const path = parseRequestPath(text);
  if (path) assert.equal(repositoryNameFault(path.name), undefined);
  return url !== undefined || path !== undefined;
}

function host(text: string): boolean {
  const endpoint = parseEndpoint(text);
  if (endpoint) {
    const { host, port, operator } = endpoint;
    const again = parseEndpoint(formatEndpoint(endpoint));
    assert.deepEqual([again?.host, again?.port], [host, port]);
    if (operator !== undefined) assert.match(operator, /^([0-9a-f]{40}|[0-9a-f]{64})$/);
    mayDial(endpoint.host, "public");
  }
  const address = parseHostPort(text);
  if (address) assert.deepEqual(parseHostPort(formatHostPort(address)), address);
  return endpoint !== undefined || address !== undefined;
}

function place(text: string): boolean {
  placeOf(text);
  reachOf(text);
  const ip = canonicalIp(text);
  if (ip === undefined) return false;
  assert.equal(canonicalIp(ip), ip, "one form");
  assert.equal(ipText(ipBytes(ip)), ip);
  assert.equal(placeOf(ip), placeOf(text));
  assert.equal(mayDial(ip, "public"), reachOf(ip) === "public");
  return true;
}
