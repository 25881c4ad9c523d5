import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { Settings } from "../../../lib/common/settings.ts";
import { runningGtd } from "../../../lib/daemon/client.ts";
import { connect } from "../../../lib/daemon/connect.ts";
import { ALONE } from "../../../scripts/local/alone.ts";
import { emptyCommit, sharedRepository, soon, tempDir } from "../engine/fixture.ts";
import { loopClock } from "../common/loop_clock.ts";

/** A client whose engine runs in this process, alone on a network of its own. */
async function alone() {
  const temp = await tempDir();
  const home = new Home(join(temp.path, "home"));
  const env: Record<string, string> = {
    GTR_DAEMON_AUTOSTART: "0",
    ...ALONE,
  };
  using wait = soon();
  const settings = await Settings.load(home, (name) => env[name]);
  const client = await connect(home, settings, wait);
  return {
    temp,
    home,
    client,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

Deno.test("without gtd the same API is served in this process", async () => {
  await using node = await alone();
  assert.equal(await runningGtd(node.home), undefined);
  const { path, gitDir } = await sharedRepository(node.temp.path, node.home);
  const tip = await emptyCommit(path, { branch: "main" });
  using wait = soon();
  const { addresses } = await node.client.publish({ gitDir }, wait);
  const { refs, gitDir: store } = await node.client.sync({ url: addresses.torrent! }, wait);
  assert.deepEqual(refs, { "refs/heads/main": tip });
  assert.ok(store.startsWith(node.home.store));
});

Deno.test("a wrong setting is told before anything is started", async () => {
  await using temp = await tempDir();
  const home = new Home(join(temp.path, "home"));
  const settings = await Settings.load(home, (name) => name === "GTR_TORRENT_PORT" ? "x" : "");
  using wait = soon();
  await assert.rejects(connect(home, settings, wait), { code: "bad-setting" });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(temp.path)), []);
});

Deno.test("a caller's abort ends work in this process at once", async () => {
  await using node = await alone();
  const controller = new AbortController();
  const wait = { signal: controller.signal };
  const answer = node.client.resolve({ url: `torrent://${"0".repeat(40)}/x` }, wait);
  using clock = loopClock();
  queueMicrotask(() => controller.abort(new Error("interrupted")));
  await assert.rejects(answer, /interrupted/);
  const late = node.client.resolve({ url: `torrent://${"0".repeat(40)}/x` }, wait);
  await assert.rejects(late, /interrupted/);
  assert.ok(clock.ms < 2000, `${clock.ms} ms`);
});
