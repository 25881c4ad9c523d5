/** A Nostr key that is encrypted: what waits for its password, and what it brings. */
import assert from "node:assert/strict";
import { npubEncode } from "nostr-tools/nip19";
import { encrypt } from "nostr-tools/nip49";
import { abortable, deadline } from "../../lib/common/wait.ts";
import { STATE } from "../../lib/transports/nostr/events/kinds.ts";
import { localSigner } from "../../lib/transports/nostr/events/signer.ts";
import { Relays } from "../../lib/transports/nostr/relays/relays.ts";
import { NostrNetwork } from "./nostr_nodes.ts";
import { makeManifest, publish, testKey } from "./publications.ts";

const MS = 20_000;
const secret = () => new Uint8Array(32).fill(7);
const { pubkey } = localSigner(secret());
const LOCKED = encrypt(secret(), "open sesame", 4);

/** A node with a locked key; the password, once it is given. */
async function lockedNode(network: NostrNetwork, config: Record<string, string>) {
  const given: { password?: string } = {};
  const node = await network.join(testKey(1), { config, password: () => given.password });
  const use = async (password: string | undefined) => {
    given.password = password;
    using limit = deadline(MS, "the key");
    await node.account.use(limit);
  };
  return { node, use };
}

/** Resolves with the next state by the key. */
function nextState(network: NostrNetwork, by: string): Promise<void> & Disposable {
  const relays = new Relays({ dropped: () => {} });
  const limit = deadline(MS, "a state");
  const came = new Promise<void>((resolve) => {
    relays.subscribe(
      network.relays.map(({ url }) => url),
      [{ kinds: [STATE], authors: [by] }],
      () => {
        resolve();
      },
    );
  });
  return Object.assign(abortable(came, limit.signal), {
    [Symbol.dispose]() {
      limit[Symbol.dispose]();
      relays[Symbol.dispose]();
    },
  });
}

Deno.test("nostr: a locked key publishes nothing, says so, and once unlocked all at once", async () => {
  await using network = await NostrNetwork.start();
  const { node, use } = await lockedNode(network, {
    "nostr.nsec": LOCKED,
    "nostr.npub": npubEncode(pubkey),
  });
  assert.equal(node.account.fault()?.code, "locked-key", "before anything is published");
  assert.match(node.endpoints()[0]!, new RegExp(`^${pubkey}@`));
  await assert.rejects(publish(node, makeManifest(testKey(1), node), []), {
    code: "locked-key",
    message: /nostr\.nsec: it is locked/,
    hint: "gtr nostr unlock",
  });
  using limit = deadline(MS, "its health");
  const { reachable, summary, hint, details } = await node.health.probe(limit);
  assert.equal(reachable, true);
  assert.match(summary, /^can't publish: .*locked/);
  assert.deepEqual([hint, details.key], ["gtr nostr unlock", "locked"]);

  await assert.rejects(use("abracadabra"), { code: "locked-key", message: /not its password/ });
  using published = nextState(network, pubkey);
  await use("open sesame");
  assert.equal(node.account.fault(), undefined);
  await published;
  await assert.rejects(use("abracadabra"), { code: "locked-key" });
  await publish(node, makeManifest(testKey(1), node, { sequence: 2 }), []);
  const healthy = await node.health.probe(limit);
  assert.deepEqual([healthy.hint, healthy.details.key], [undefined, undefined]);
});

Deno.test("nostr: whose a locked key is may be known by its password only", async () => {
  await using network = await NostrNetwork.start();
  const { node, use } = await lockedNode(network, { "nostr.nsec": LOCKED });
  assert.deepEqual(node.endpoints(), [], "nobody would believe another's");
  await use("open sesame");
  assert.match(node.endpoints()[0]!, new RegExp(`^${pubkey}@`));
  await publish(node, makeManifest(testKey(1), node), []);
});

Deno.test("nostr: another key takes over, and signs everything anew", async () => {
  await using network = await NostrNetwork.start();
  const config: Record<string, string> = {};
  const { node, use } = await lockedNode(network, config);
  const first = makeManifest(testKey(1), node);
  await publish(node, first, []);
  config["nostr.nsec"] = LOCKED;
  await use("open sesame");
  assert.notDeepEqual(node.endpoints(), first.manifest.endpoints.nostr);
  using published = nextState(network, pubkey);
  await publish(node, makeManifest(testKey(1), node, { sequence: 2 }), []);
  await published;
  delete config["nostr.nsec"];
  await use(undefined);
  assert.deepEqual(node.endpoints(), first.manifest.endpoints.nostr);
});
