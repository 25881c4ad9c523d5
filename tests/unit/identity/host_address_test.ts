import assert from "node:assert/strict";
import fc from "fast-check";
import { UsageError } from "../../../lib/common/errors.ts";
import { formatAddress, parseAddress, type RepoAddress } from "../../../lib/identity/address.ts";
import { keyFromSeed } from "../../../lib/identity/keys.ts";

const { id, publicKeyHex } = keyFromSeed(new Uint8Array(32).fill(3));

Deno.test("a default:// address may name its server", () => {
  const address = { scheme: "default", id, name: "hello" };
  const cases: [string, unknown][] = [
    [`default://example.org/${id}/hello`, { ...address, host: "example.org" }],
    [`default://Example.org:8443/${id}/hello.git/`, { ...address, host: "example.org:8443" }],
    [`default://127.0.0.1:1/${id.toUpperCase()}/hello`, { ...address, host: "127.0.0.1:1" }],
    [`default://[::1]:8443/${id}/hello`, { ...address, host: "[::1]:8443" }],
    [`default://[2001:DB8::1]/${id}/hello`, { ...address, host: "[2001:db8::1]" }],
    [`default://box/${publicKeyHex}/hello`, { ...address, publicKey: publicKeyHex, host: "box" }],
    [`default://${id}/hello`, address],
    ["default://alice/hello", { scheme: "default", petname: "alice", name: "hello" }],
  ];
  for (const [url, form] of cases) assert.deepEqual(parseAddress(url), form, url);
});

Deno.test("what can't name a server is refused with the reason", () => {
  const cases: [string, RegExp][] = [
    [`default://user@example.org/${id}/hello`, /it has a user/],
    [`default:///${id}/hello`, /'' is neither a host's name nor an IP address/],
    [`default://exa_mple/${id}/hello`, /'exa_mple' is neither a host's name/],
    [`default://::1/${id}/hello`, /written in brackets: \[::1\]/],
    [`default://[::g]/${id}/hello`, /'::g' is not an IPv6 address/],
    [`default://[127.0.0.1]/${id}/hello`, /'127.0.0.1' is not an IPv6 address/],
    [`default://[::1]x/${id}/hello`, /'\[::1\]x' is neither/],
    [`default://[::1]:0/${id}/hello`, /'0' is not a port/],
    [`default://example.org:/${id}/hello`, /'' is not a port/],
    [`default://example.org:0/${id}/hello`, /'0' is not a port/],
    [`default://example.org:65536/${id}/hello`, /'65536' is not a port/],
    [`default://example.org/alice/hello`, /between the host and the name stands/],
    [`default://example.org/${id.slice(1)}/hello`, /between the host|39 hex digits/],
    [`default://example.org/g${id}/hello`, /between the host and the name stands/],
    [`default://example.org/${id}/a/hello`, /has path parts/],
    [`default://example.org/${id}/../hello`, /has path parts/],
    [`default://example.org/${id}/.hello`, /can't be a repository's name/],
    [`torrent://example.org/${id}/hello`, /has path parts/],
  ];
  for (const [url, why] of cases) {
    assert.throws(() => parseAddress(url), (error) => {
      assert.ok(error instanceof UsageError && error.code === "bad-address", url);
      assert.match(error.message, why, url);
      return true;
    });
  }
});

Deno.test("formatAddress writes the server that parseAddress reads", () => {
  const host = fc.tuple(
    fc.constantFrom("a.example", "127.0.0.1", "[::1]"),
    fc.integer({ min: 1, max: 65535 }),
  )
    .map(([name, port]) => `${name}:${port}`);
  fc.assert(fc.property(host, (host) => {
    const address: RepoAddress = { scheme: "default", host, id, name: "hello" };
    assert.equal(formatAddress(address), `default://${host}/${id}/hello`);
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  }));
});
