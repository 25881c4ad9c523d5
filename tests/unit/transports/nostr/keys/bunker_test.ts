import assert from "node:assert/strict";
import { decrypt, encrypt, getConversationKey } from "nostr-tools/nip44";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { nsecEncode } from "nostr-tools/nip19";
import { SimplePool } from "nostr-tools/pool";
import { formatError, GtrError } from "../../../../../lib/common/errors.ts";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import { abortable } from "../../../../../lib/common/wait.ts";
import { isAuthentic } from "../../../../../lib/transports/nostr/events/event.ts";
import { account } from "../../../../../lib/transports/nostr/keys/account.ts";
import { bunkerSigner, parseBunker } from "../../../../../lib/transports/nostr/keys/bunker.ts";
import { findSigner } from "../../../../../lib/transports/nostr/keys/find_signer.ts";
import { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { startRelay } from "../../../../fixtures/nostr/servers.ts";
import { alice, counting, NOW, secret } from "../fixture.ts";

const signal = () => AbortSignal.timeout(100_000);
const template = { kind: 1, created_at: NOW, tags: [["t", "x"]], content: "hello" };
const SECRET = "s3cret";

type Answer = { result?: string; error?: string };

/** A bunker made of nostr-tools alone. `change` lets it misbehave. */
async function startBunker(relay: string, change: (method: string, answer: Answer) => Answer) {
  const own = generateSecretKey();
  const pubkey = getPublicKey(own);
  const pool = new SimplePool();
  const serve = (method: string, params: string[]): Answer => {
    switch (method) {
      case "connect":
        return params[1] === SECRET ? { result: "ack" } : { error: "who are you?" };
      case "get_public_key":
        return { result: alice.pubkey };
      case "sign_event":
        return { result: JSON.stringify(finalizeEvent(JSON.parse(params[0]!), secret(1))) };
      default:
        return { error: "no such method" };
    }
  };
  const ready = Promise.withResolvers<void>();
  pool.subscribe([relay], { kinds: [24133], "#p": [pubkey] }, {
    oneose: ready.resolve,
    onevent: (event) => {
      const key = getConversationKey(own, event.pubkey);
      const { id, method, params } = JSON.parse(decrypt(event.content, key));
      const answer = { id, ...change(method, serve(method, params)) };
      const published = pool.publish(
        [relay],
        finalizeEvent({
          kind: 24133,
          created_at: Math.floor(Date.now() / 1000),
          tags: [["p", event.pubkey]],
          content: encrypt(JSON.stringify(answer), key),
        }, own),
      );
      // The test may end before the relay has said that it took it.
      Promise.allSettled(published);
    },
  });
  await ready.promise;
  const uri = (secret: string) =>
    `bunker://${pubkey}?relay=${encodeURIComponent(relay)}&secret=${secret}`;
  return { uri, [Symbol.dispose]: () => pool.destroy() };
}

/** The signer that git's configuration leads to. */
function find(uri: string, relays: Relays) {
  const config = new Map([
    ["nostr.bunker-uri", uri],
    ["nostr.bunker-app-key", nsecEncode(secret(9))],
  ]);
  return findSigner({
    config: (name) => Promise.resolve(config.get(name)),
    password: () => Promise.resolve(undefined),
    identity: keyFromSeed(secret(1)),
    relays: () => relays,
  }, signal());
}

Deno.test("bunker: signs over a real relay, and refuses strangers", async () => {
  await using relay = await startRelay();
  using bunker = await startBunker(relay.url, (_, answer) => answer);
  const { dropped, counts } = counting();
  using relays = new Relays({ dropped });
  const { signer, source } = await find(bunker.uri(SECRET), relays);
  assert.equal(source, "nostr.bunker-uri");
  assert.equal(signer.pubkey, alice.pubkey);
  const event = await signer.sign(template, signal());
  assert(isAuthentic(event));
  assert.deepEqual({ ...template, ...event }, event);
  signer.close();

  await assert.rejects(find(bunker.uri("guessed"), relays), (error: GtrError) => {
    assert.equal(error.code, "bunker-refused");
    return !(formatError(error) + Deno.inspect(error)).includes("guessed");
  });
  assert.deepEqual(counts, {});
});

Deno.test("bunker: no relay gets a request before it listens for the answer", async () => {
  const seen: string[] = [];
  const asked = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => {
      const [type, id] = JSON.parse(data);
      seen.push(type);
      if (type === "EVENT") return asked.resolve();
      if (type !== "REQ") return;
      // The relay takes a while: other messages are read meanwhile.
      queueMicrotask(() => {
        seen.push("EOSE");
        socket.send(JSON.stringify(["EOSE", id]));
      });
    };
    return response;
  });
  const url = encodeURIComponent(`ws://127.0.0.1:${server.addr.port}`);
  const stop = new AbortController();
  {
    using relays = new Relays({ dropped: () => {} });
    const address = parseBunker(`bunker://${getPublicKey(secret(3))}?relay=${url}&secret=x`);
    const signer = bunkerSigner(address, secret(9), relays, stop.signal);
    await abortable(asked.promise, AbortSignal.timeout(60_000));
    assert.deepEqual(seen, ["REQ", "EOSE", "EVENT"]);
    stop.abort(new Error("enough"));
    await assert.rejects(signer, { message: "enough" });
  }
  await server.shutdown();
});

Deno.test("bunker: login asks it whose key it keeps; who that is, is known without it", async () => {
  await using relay = await startRelay();
  using bunker = await startBunker(relay.url, (_, answer) => answer);
  const values = new Map<string, string>();
  const context = {
    key: keyFromSeed(secret(1)),
    gitConfig: (name: string) => Promise.resolve(values.get(name)),
    ask: () => Promise.resolve(undefined),
  };
  await assert.rejects(account.logIn(bunker.uri("guessed"), context, { signal: signal() }), {
    code: "bunker-refused",
  });
  const login = await account.logIn(` ${bunker.uri(SECRET)}\n`, context, { signal: signal() });
  assert.equal(login.publicKey, alice.pubkey);
  for (const [name, value] of Object.entries(login.values)) values.set(name, value);
  assert.deepEqual([...values.keys()].sort(), [
    "nostr.bunker-app-key",
    "nostr.bunker-uri",
    "nostr.npub",
  ]);
  await relay.kill();
  const { publicKey, source } = await account.whoAmI(context, { signal: signal() });
  assert.deepEqual([publicKey, source], [alice.pubkey, "nostr.bunker-uri"]);
});

Deno.test("bunker: one that signs something else is not believed", async () => {
  await using relay = await startRelay();
  using bunker = await startBunker(relay.url, (method, answer) => {
    if (method !== "sign_event") return answer;
    const other = finalizeEvent({ ...template, content: "I owe you" }, secret(1));
    return { result: JSON.stringify(other) };
  });
  using relays = new Relays({ dropped: () => {} });
  const { signer } = await find(bunker.uri(SECRET), relays);
  await assert.rejects(signer.sign(template, signal()), { code: "bad-bunker-answer" });
  signer.close();
});

Deno.test("bunker: an address is read, or refused without repeating it", () => {
  const pubkey = "ab".repeat(32);
  const uri =
    `bunker://${pubkey}?relay=wss%3A%2F%2Fa.example&relay=wss://b.example&secret=${SECRET}`;
  assert.deepEqual(parseBunker(uri), {
    pubkey,
    relays: ["wss://a.example", "wss://b.example"],
    secret: SECRET,
  });
  for (
    const wrong of [
      "",
      `bunker://${pubkey}`,
      `bunker://x?secret=${SECRET}`,
      uri.replaceAll("wss", "x"),
    ]
  ) {
    assert.throws(() => parseBunker(wrong), (error: GtrError) => {
      return error.code === "bad-bunker" && !Deno.inspect(error).includes(SECRET);
    });
  }
});
