import assert from "node:assert/strict";
import { RateLimiter } from "../../../../../lib/common/rate_limiter.ts";
import { Exchange } from "../../../../../lib/transports/holepunch/exchange/exchange.ts";
import { Offers } from "../../../../../lib/transports/holepunch/offers.ts";
import { PackAnswers } from "../../../../../lib/transports/holepunch/serve_pack.ts";

const SHA256 = "1".repeat(64);
const key = (n: number) => n.toString(16).padStart(64, "0");

/** Somebody who fetches; `told` is what is written to it. */
function fetching(exchange: Exchange) {
  const told: string[] = [];
  const writable = new WritableStream<Uint8Array>({
    write: (line) => void told.push(new TextDecoder().decode(line)),
  });
  const peer = {
    host: "11.0.0.1",
    writer: writable.getWriter(),
    signal: new AbortController().signal,
  };
  return { told, answers: new PackAnswers(exchange, peer, new RateLimiter(0), 1_000) };
}

Deno.test("holepunch: one connection can't send others to more than one key", async () => {
  const offers = new Offers();
  const pack = { sha256: SHA256, size: 3, infohash: "0".repeat(40), objects: 0, tips: [] };
  offers.seed({ pack, path: "none" });
  using exchange = new Exchange(offers);
  const [reader, stranger] = [fetching(exchange), fetching(exchange)];
  const have = ({ answers }: typeof reader, key?: string) =>
    answers.have({ version: 1, want: "have", sha256: SHA256, key });
  have(reader, key(1));
  for (const n of [2, 2, 3, 4]) assert.ok(have(stranger, key(n)));
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(reader.told.map((line) => JSON.parse(line).peers), [[key(2)]]);
});
