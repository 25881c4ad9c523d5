import assert from "node:assert/strict";
import { mayAsk, nearestBehind } from "../../../../lib/transports/nostr/may_ask.ts";

Deno.test("may ask: strangers point into one's own network only where all that was chosen is there", () => {
  const [inside, outside] = ["ws://192.168.1.7:7777", "wss://relay.example"];
  const cases: readonly [string, string[], boolean][] = [
    [outside, [], true],
    [outside, [inside], true],
    [inside, [], false],
    [inside, [outside], false],
    [inside, [inside, outside], false],
    [inside, ["ws://127.0.0.1:1"], true],
    ["http://[::1]:80/x", [outside], false],
  ];
  for (const [url, chosen, may] of cases) {
    assert.equal(mayAsk(url, chosen), may, `${url} ${chosen}`);
  }
});

Deno.test("may ask: a name that looks outside may lead inside only where the user set it", () => {
  const own = ["wss://relay.example", "https://blossom.example:8443"];
  const cases: readonly [string, "public" | undefined][] = [
    ["wss://relay.example", undefined],
    ["wss://relay.example/path", undefined],
    ["https://blossom.example:8443/x", undefined],
    ["https://blossom.example/x", "public"],
    ["wss://relay.example.org", "public"],
    ["ws://127.0.0.1:1", undefined],
    ["ws://localhost:1", undefined],
    ["wss://8.8.8.8", "public"],
  ];
  for (const [url, nearest] of cases) assert.equal(nearestBehind(url, own), nearest, url);
});
