/** Blossom servers count as those that have a commit, for `gtr who` and `publish.quorum`. */
import assert from "node:assert/strict";
import { startBlossom, startRelay } from "../fixtures/nostr/servers.ts";
import { Node } from "./node.ts";

Deno.test("nostr: gtr who and publish.quorum count the servers that have all packs", async () => {
  await using relay = await startRelay();
  await using one = await startBlossom();
  await using two = await startBlossom();
  await using user = await Node.make("none", {
    GTR_TRANSPORTS: "nostr",
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_BLOSSOM: `${one.url},${two.url}`,
    GTR_PUBLISH_QUORUM: "2",
    GTR_PUBLISH_QUORUMWAIT: "5",
  });
  await user.share("hello"); // fails where the quorum is missed
  const hello = { cwd: user.path("hello") };
  const { stdout } = await user.run("gtr", ["who", "HEAD", "--json"], hello);
  const { repositories: [{ sequence, peers }] } = JSON.parse(stdout);
  const expected = [one, two].map(({ url }) => ({
    network: "nostr",
    peer: new URL(url).host,
    sequence,
    has: "yes",
  }));
  const byPeer = (a: { peer: string }, b: { peer: string }) => a.peer < b.peer ? -1 : 1;
  assert.deepEqual(peers.toSorted(byPeer), expected.toSorted(byPeer));

  await two.kill();
  await user.commit("hello", "second.txt", "two\n");
  const missed = await user.run("gtr", ["share"], hello);
  assert.equal(missed.code, 1);
  assert.match(missed.stderr, /only 1 of 2 peers have it/);
});
