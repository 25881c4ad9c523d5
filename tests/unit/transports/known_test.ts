import assert from "node:assert/strict";
import { RequestError } from "../../../lib/common/errors.ts";
import { ALL_NETWORKS } from "../../../lib/transports/all.ts";
import { checkLeftOut, checkNetwork, KNOWN_NETWORKS } from "../../../lib/transports/known.ts";

const ID = "0".repeat(40);

Deno.test("known networks: every network that there is, is known, listed and has a folder", async () => {
  const folder = new URL("../../../lib/transports", import.meta.url);
  const folders = (await Array.fromAsync(Deno.readDir(folder)))
    .filter(({ isDirectory, name }) => isDirectory && name !== "shared")
    .map(({ name }) => name).sort();
  const listed = ALL_NETWORKS.map(({ scheme }) => scheme);
  assert.deepEqual(folders, [...listed].sort());
  assert.deepEqual(listed, KNOWN_NETWORKS.filter((name) => listed.includes(name)));
});

Deno.test("known networks: what a build has may be used, in git's other form too", () => {
  checkNetwork(`torrent://${ID}/hello`, ["torrent"]);
  checkNetwork(`TORRENT::${ID}/hello`, ["torrent"]);
  checkNetwork(`gtr://${ID}/hello`, ["torrent"]);
  checkNetwork("what is no address at all is not for here to say", ["torrent"]);
});

Deno.test("known networks: one that was left out says how to get it", () => {
  const leftOut = (builtIn: string[], url: string) => {
    for (const check of [checkNetwork, checkLeftOut]) {
      assert.throws(() => check(url, builtIn), (error: Error) => {
        assert.ok(error instanceof RequestError);
        assert.equal(error.code, "network-left-out");
        assert.equal(
          error.message,
          "can't use ssb:// addresses: this gtr was built without ssb; " +
            `rebuild with make TRANSPORTS=${builtIn[0]},ssb`,
        );
        return true;
      });
    }
  };
  leftOut(["torrent"], `ssb://${ID}/hello`);
  leftOut(["torrent"], `SSB::${ID}/hello`);
  assert.throws(
    () => checkNetwork(`ssb://${ID}/hello`, ["torrent", "nostr"]),
    /rebuild with make TRANSPORTS=torrent,ssb,nostr$/,
  );
});

Deno.test("known networks: one that nobody knows is no matter of building", () => {
  assert.throws(() => checkNetwork(`carrier-pigeon://${ID}/hello`, ["torrent"]), {
    code: "unknown-network",
    message: "can't use carrier-pigeon:// addresses: no network is called carrier-pigeon",
    hint: "this gtr was built with torrent",
  });
  for (const url of ["https://example.org/x.git", "git@example.org:x.git", "ssh://h/x", "./a::b"]) {
    checkLeftOut(url, ["torrent"]);
  }
});
