import assert from "node:assert/strict";
import { distinctUrls, isInside, relayUrl, webUrl } from "../../../../lib/transports/nostr/urls.ts";

Deno.test("server addresses: one form of each", () => {
  assert.equal(relayUrl("wss://Relay.Example/"), "wss://relay.example");
  assert.equal(relayUrl("ws://127.0.0.1:80/"), "ws://127.0.0.1");
  assert.equal(relayUrl("wss://relay.example/a/"), "wss://relay.example/a/");
  assert.equal(relayUrl("wss://relay.example/?"), "wss://relay.example");
  assert.equal(relayUrl("wss://relay.example/#"), "wss://relay.example");
  assert.equal(relayUrl("wss://relay.example/?a=b"), "wss://relay.example/?a=b");
  assert.equal(relayUrl("wss://relay.example/a?"), "wss://relay.example/a");
  assert.equal(webUrl("https://b.example:8443"), "https://b.example:8443");
  assert.equal(webUrl("http://b.example/x"), "http://b.example/x");
});

Deno.test("server addresses: what is none", () => {
  for (
    const text of [
      "",
      "relay.example",
      "http://relay.example",
      "wss://",
      "wss://user@relay.example",
      "wss://u:p@relay.example",
      "wss://:p@relay.example",
      "wss://relay.example/#x",
      "wss://relay.example/\n",
      " wss://relay.example",
      `wss://relay.example/${"x".repeat(300)}`,
      `wss://relay.example/${"é".repeat(100)}`, // as long in escapes
    ]
  ) {
    assert.equal(relayUrl(text), undefined, text);
  }
  assert.equal(webUrl("file:///etc/passwd"), undefined);
  assert.equal(webUrl("wss://relay.example"), undefined);
});

Deno.test("server addresses: as long as fit into an naddr", () => {
  const of = (length: number) => "wss://relay.example/".padEnd(length, "x");
  assert.equal(relayUrl(of(255)), of(255));
  assert.equal(relayUrl(of(256)), undefined);
  assert.equal(relayUrl("wss://relay.example/\u00e9".padEnd(250, "x"))?.length, 255);
  assert.equal(relayUrl("wss://relay.example/\u00e9".padEnd(251, "x")), undefined);
  const shorter = `wss://relay.example/${"./".repeat(130)}`;
  assert.equal(relayUrl(shorter), undefined, "whatever it would be in short");
});

Deno.test("server addresses: of many the first valid ones, each once", () => {
  const texts = ["x", "wss://a.example", "wss://a.example/", "wss://b.example", "wss://c.example"];
  const some = (most: number) => distinctUrls(texts, relayUrl, most);
  assert.deepEqual(some(1), ["wss://a.example"]);
  assert.deepEqual(some(2), ["wss://a.example", "wss://b.example"]);
  assert.deepEqual(some(9), ["wss://a.example", "wss://b.example", "wss://c.example"]);
});

Deno.test("server addresses: those inside a machine or a home are told from public ones", () => {
  const inside = [
    "ws://localhost",
    "ws://localhost.",
    "ws://router.",
    "ws://[64:ff9b::7f00:1]",
    "ws://router",
    "ws://printer.local",
    "ws://127.0.0.1:1",
    "ws://2130706433",
    "ws://0x7f.1",
    "ws://10.1.2.3",
    "ws://172.16.0.1",
    "ws://192.168.1.1",
    "ws://169.254.169.254",
    "ws://100.64.0.1",
    "ws://0.0.0.0",
    "ws://[::1]",
    "ws://[::]",
    "ws://[::ffff:127.0.0.1]",
    "ws://[fe80::1]",
    "ws://[fd00::1]",
  ];
  for (const url of inside) assert.equal(isInside(url), true, url);
  for (
    const url of ["wss://relay.example", "ws://8.8.8.8", "ws://172.32.0.1", "ws://[2001:db8::1]"]
  ) {
    assert.equal(isInside(url), false, url);
  }
});
