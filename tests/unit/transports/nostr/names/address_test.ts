import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeBytes, naddrEncode, nsecEncode } from "nostr-tools/nip19";
import { UsageError } from "../../../../../lib/common/errors.ts";
import {
  formatNostrAddress,
  identifierFault,
  type NostrAddress,
  parseNostrAddress,
} from "../../../../../lib/transports/nostr/names/address.ts";
import { relayUrl } from "../../../../../lib/transports/nostr/urls.ts";
import { alice, secret } from "../fixture.ts";

const { pubkey } = alice;
const NPUB = "npub1rwzv2mfmygnvj92nhht2qtdfqswsm95fuxtq3p6sg66zywal3wfql03nts";

const anyRelay = fc.webUrl({ validSchemes: ["ws", "wss"] }).map(relayUrl)
  .filter((url) => url !== undefined);
const anyAddress = fc.record({
  pubkey: fc.constant(pubkey),
  identifier: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 })
    .filter((text) => identifierFault(text) === undefined),
  relays: fc.uniqueArray(anyRelay, { maxLength: 3 }),
}, { noNullPrototype: true });

const naddr = ({ relays, ...rest }: NostrAddress) =>
  naddrEncode({ kind: 30617, ...rest, relays: [...relays] });

Deno.test("nostr addresses: every address is read as it was written", () => {
  const npub = parseNostrAddress(formatNostrAddress({ pubkey, identifier: "x", relays: [] }));
  assert.equal("pubkey" in npub && npub.pubkey, pubkey);
  fc.assert(fc.property(anyAddress, (address) => {
    const first = { ...address, relays: address.relays.slice(0, 1) };
    assert.deepEqual(parseNostrAddress(formatNostrAddress(address)), first);
    assert.deepEqual(parseNostrAddress(`nostr://${naddr(address)}`), address);
  }));
});

Deno.test("nostr addresses: any text is read or refused with a usage error of bounded length", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "binary" }).map((text) => `nostr://${text}`),
    fc.string().map((text) => `nostr://a@example.org/${text}`),
    fc.string({ unit: "binary" }).map((text) => `nostr://naddr1${text}`),
  );
  fc.assert(fc.property(anyText, (text) => {
    try {
      parseNostrAddress(text);
    } catch (error) {
      assert(error instanceof UsageError, String(error));
      assert(error.message.length < 700);
    }
  }));
});

Deno.test("nostr addresses: the forms that ngit writes", () => {
  const npub = formatNostrAddress({ pubkey, identifier: "hello", relays: [] }).split("/")[2]!;
  assert.match(npub, /^npub1/);
  assert.deepEqual(parseNostrAddress(`nostr://${npub}/wss%3A%2F%2Frelay.example%2Fa/hello/`), {
    pubkey,
    identifier: "hello",
    relays: ["wss://relay.example/a"],
  });
  const short = parseNostrAddress(`nostr://${npub}/relay.example/hello`);
  assert.deepEqual(short.relays, ["wss://relay.example"]);
  assert.deepEqual(parseNostrAddress("nostr://dan@Example.ORG/hello%20world"), {
    user: "dan",
    domain: "example.org",
    identifier: "hello world",
    relays: [],
  });
  assert.equal((parseNostrAddress("nostr://example.org/hello") as { user: string }).user, "_");
});

Deno.test("nostr addresses: an naddr's relays are valid, distinct and few", () => {
  const relays = ["javascript:1", "wss://a.example/", "wss://a.example", "http://b.example"];
  for (let i = 0; i < 20; i++) relays.push(`wss://${i}.example`);
  const naddr = naddrEncode({ kind: 30617, pubkey, identifier: "x", relays });
  const read = parseNostrAddress(`nostr://${naddr}`);
  assert.equal(read.relays.length, 8);
  assert.deepEqual(read.relays.slice(0, 2), ["wss://a.example", "wss://0.example"]);
});

Deno.test("nostr addresses: errors say exactly what is wrong", () => {
  const refused = (url: string, why: RegExp) =>
    assert.throws(() => parseNostrAddress(url), (error: UsageError) => {
      assert.match(error.message, why);
      return error.code === "bad-address" && error.hint !== undefined;
    });
  refused("torrent://x/y", /no 'nostr:\/\/' in front/);
  refused("nostr://", /owner's npub, name or naddr is missing/);
  refused(`nostr://${NPUB}/x`, /'npub1\.\.\.' is damaged/);
  refused("nostr://dan@example.org", /identifier is missing/);
  refused("nostr://dan@example.org/a/b/c", /'%2F'/);
  refused("nostr://dan@example.org/http%3A%2F%2Fx/b", /not the address of a relay/);
  refused("nostr://dan@example.org/%zz", /wrong percent-escape/);
  refused("nostr://dan@example.org/a%2Fb", /contains a '\/'/);
  refused(`nostr://dan@example.org/${"x".repeat(129)}`, /129 bytes/);
  refused("nostr://dan/hello", /neither an npub, an naddr nor a name/);
  refused("nostr://d:n@example.org/hello", /can't be the name of a user/);
  const event = naddrEncode({ kind: 30023, pubkey, identifier: "x" });
  refused(`nostr://${event}`, /kind 30023/);
  refused(`nostr://${naddr({ pubkey, identifier: "x", relays: [] })}/y`, /follow/);
  refused(`nostr://dan@example.org/\x1b[31m`, /\?\[31m/);
});

Deno.test("nostr addresses: as long as they may be, in errors shorter", () => {
  const told = (url: string) => {
    try {
      parseNostrAddress(url);
    } catch (error) {
      return (error as UsageError).message;
    }
  };
  const of = (length: number) => "nostr://dan/".padEnd(length, "x");
  assert.match(told(of(4096))!, /identifier: it has 4084 bytes and 128 is the most$/);
  assert.match(told(of(4097))!, /it has 4097 characters and 4096 is the most$/);
  assert.ok(told(of(100))!.startsWith(`can't use '${of(100)}' as an address: `));
  assert.ok(told(of(101))!.startsWith(`can't use '${of(100)}...' as an address: `));
  const long = "x".repeat(200);
  const cut = `'${"x".repeat(100)}...'`;
  for (
    const [url, why] of [
      [`nostr://${long}/x`, `${cut} is neither`],
      [`nostr://${long}@example.org/x`, `${cut} can't be the name`],
      [`nostr://dan@example.org/${long}%/x`, `${cut} has a wrong`],
      [`nostr://dan@example.org/${long}%2F${long}/x`, `${cut} is not the address`],
    ] as const
  ) assert.ok(told(url)!.includes(`...' as an address: ${why}`), told(url));
  assert.equal(told(`nostr://dan@example.org/${"x".repeat(128)}`), undefined);
  assert.equal(told(`nostr://dan@example.org/${"%C3%A9".repeat(64)}`), undefined);
  assert.match(told(`nostr://dan@example.org/${"%C3%A9".repeat(65)}`)!, /130 bytes and 128/);
});

Deno.test("nostr addresses: what can't be a key, a user or an identifier", () => {
  const refused = (url: string, message: RegExp) =>
    assert.throws(() => parseNostrAddress(url), { code: "bad-address", message }, url);
  for (const length of [31, 33]) {
    refused(`nostr://${encodeBytes("npub", new Uint8Array(length))}/x`, /invalid npub/);
  }
  refused("nostr://@example.org/x", /'' can't be the name of a user/);
  assert.equal(identifierFault(""), "it is empty");
  assert.match(identifierFault("\ud800")!, /control character/);
  refused("nostr://dan@example.org//x", /not the address of a relay/);
});

Deno.test("nostr addresses: a secret key in an address is refused and not repeated", () => {
  const nsec = nsecEncode(secret(1));
  const at = (text: string) => text.replace("NSEC", nsec);
  for (
    const url of [
      ...["nostr://NSEC/hello", "nostr://dan@example.org/NSEC", "nostr:NSEC", "nostr:///NSEC"],
      ...["nostr://dan@example.org/NSEC/hello", `nostr://${nsec.toUpperCase()}/hello`],
    ].map(at)
  ) {
    assert.throws(() => parseNostrAddress(url), (error: UsageError) => {
      const told = `${error.message}${error.hint}`.toLowerCase();
      return /secret key/.test(error.message) && !told.includes(nsec);
    }, url);
  }
});
