import assert from "node:assert/strict";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { encrypt } from "nostr-tools/nip49";
import { formatError, GtrError } from "../../../../../lib/common/errors.ts";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import { eventFault, isAuthentic } from "../../../../../lib/transports/nostr/events/event.ts";
import { account } from "../../../../../lib/transports/nostr/keys/account.ts";
import { derivedSecret } from "../../../../../lib/transports/nostr/keys/derived.ts";
import { findSigner } from "../../../../../lib/transports/nostr/keys/find_signer.ts";
import { localSigner } from "../../../../../lib/transports/nostr/events/signer.ts";
import { alice, bob, NOW, secret } from "../fixture.ts";

const signal = () => AbortSignal.timeout(100_000);
const identity = keyFromSeed(new Uint8Array(32).fill(1));
const template = { kind: 1, created_at: NOW, tags: [["t", "x"]], content: "hello" };
const NSEC = nsecEncode(secret(1));
const LOCKED = encrypt(secret(1), "correct horse", 4);

function find(config: Record<string, string>, password?: string) {
  return findSigner({
    config: (name) => Promise.resolve(config[name]),
    password: () => Promise.resolve(password),
    identity,
    relays: () => assert.fail("no relay is needed"),
  }, signal());
}

/** What a rejection shows a person, and a log. */
async function shown(promise: Promise<unknown>): Promise<{ code: string; text: string }> {
  const error: unknown = await promise.then(() => assert.fail("it should fail"), (e) => e);
  assert(error instanceof GtrError, String(error));
  return { code: error.code, text: formatError(error) + Deno.inspect(error) + error.stack };
}

Deno.test("nostr keys: git's nostr.nsec comes first, plain, in hex or encrypted", async () => {
  for (const text of [NSEC, ` ${NSEC}\n`, "01".repeat(32), LOCKED]) {
    const { signer, source } = await find({ "nostr.nsec": text }, "correct horse");
    assert.equal(source, "nostr.nsec");
    assert.equal(signer.pubkey, alice.pubkey);
    const event = await signer.sign(template, signal());
    assert(eventFault(event, NOW) === undefined && isAuthentic(event));
    signer.close();
    await assert.rejects(signer.sign(template, signal()), { code: "closed" });
  }
});

Deno.test("nostr keys: without one, identity's is always the same and says nothing of it", async () => {
  const { signer, source } = await find({});
  assert.equal(source, "identity");
  assert.equal(signer.pubkey, localSigner(derivedSecret(identity)).pubkey);
  assert.equal(
    derivedSecret(identity).toHex(),
    "cb33da437ad16ea207cb12dc2ffcdc97fbbf5d82eda3d7c62384b96509955de7",
    "nobody's key may change with a release",
  );
  assert.notEqual(derivedSecret(keyFromSeed(secret(2))).toHex(), derivedSecret(identity).toHex());
  const wrapped = [0, 1].map((least) =>
    derivedSecret({ derive: (_, length) => new Uint8Array(length).fill(least ? 255 : 0) }).toHex()
  );
  assert.equal(wrapped[0], `${"0".repeat(63)}1`);
  for (const key of wrapped) localSigner(Uint8Array.fromHex(key));
});

Deno.test("nostr keys: nostr.npub has to be the key's", async () => {
  const own = await find({ "nostr.nsec": NSEC, "nostr.npub": npubEncode(alice.pubkey) });
  assert.equal(own.signer.pubkey, alice.pubkey);
  const other = { "nostr.nsec": NSEC, "nostr.npub": npubEncode(bob.pubkey) };
  assert.equal((await shown(find(other))).code, "other-key");
  assert.equal((await shown(find({ "nostr.npub": npubEncode(bob.pubkey) }))).code, "other-key");
});

Deno.test("nostr keys: no error repeats a secret", async () => {
  const bunker = `bunker://${"ab".repeat(32)}?secret=topsecret`;
  const cases: [Record<string, string>, string, string?][] = [
    [{ "nostr.nsec": `${NSEC}x` }, "bad-key"],
    [{ "nostr.nsec": NSEC.slice(0, -1) }, "bad-key"],
    [{ "nostr.nsec": npubEncode(alice.pubkey) }, "bad-key"],
    [{ "nostr.nsec": "00".repeat(32) }, "bad-key"],
    [{ "nostr.nsec": LOCKED }, "locked-key"],
    [{ "nostr.nsec": LOCKED }, "locked-key", "wrong horse"],
    [{ "nostr.npub": NSEC }, "bad-key"],
    [{ "nostr.bunker-uri": bunker }, "bad-bunker"],
    [{ "nostr.bunker-uri": bunker, "nostr.bunker-app-key": NSEC }, "bad-bunker"],
    [{ "nostr.bunker-uri": NSEC, "nostr.bunker-app-key": NSEC }, "bad-bunker"],
  ];
  for (const [config, code, password] of cases) {
    const error = await shown(find(config, password));
    assert.equal(error.code, code, error.text);
    const secrets = [
      NSEC.slice(5, 40),
      LOCKED.slice(11, 40),
      "topsecret",
      "wrong horse",
      "01".repeat(32),
    ];
    for (const one of secrets) assert(!error.text.includes(one), `${code} tells ${one}`);
  }
});

Deno.test("nostr keys: an encrypted key that would take all memory is refused unasked", async () => {
  // The second byte is the power of two of scrypt's rounds; 0x3f << 4 of 20 bits.
  const harmful = `ncryptsec1qglu${"q".repeat(140)}`;
  const error = await shown(find({ "nostr.nsec": harmful }, "x"));
  assert.equal(error.code, "bad-key");
});

Deno.test("nostr keys: a bunker's key for this program may be encrypted too", async () => {
  const uri = `bunker://${bob.pubkey}?relay=ws://127.0.0.1:1&secret=topsecret`;
  const config = { "nostr.bunker-uri": uri, "nostr.bunker-app-key": LOCKED };
  const locked = await shown(find(config));
  assert.equal(locked.code, "locked-key");
  assert.match(locked.text, /nostr\.bunker-app-key[^]*hint: gtr nostr unlock/);
  const { unlock } = account;
  const context = (typed?: string) => ({
    key: identity,
    gitConfig: (name: string) => Promise.resolve((config as Record<string, string>)[name]),
    ask: () => Promise.resolve(typed),
  });
  assert.deepEqual(await unlock(context("correct horse"), { signal: signal() }), {
    password: "correct horse",
    values: {},
  });
  for (const [typed, code] of [["wrong horse", "locked-key"], [undefined, "usage"]] as const) {
    const error = await shown(unlock(context(typed), { signal: signal() }));
    assert.equal(error.code, code);
    for (const one of [LOCKED.slice(11, 40), "topsecret", "horse"]) {
      assert(!error.text.includes(one), error.text);
    }
  }
});
