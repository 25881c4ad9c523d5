import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { deadline } from "../../../lib/common/wait.ts";
import { Shares } from "../../../lib/shares/shares.ts";
import { temporaryFolder } from "./support.ts";

Deno.test("shares: one per folder and per name", async () => {
  await using folder = await temporaryFolder();
  const shares = new Shares(new Home(join(folder.path, "home")));
  assert.deepEqual(await shares.list(), []);
  assert.equal(await shares.remove("/a/.git"), false);
  await shares.add({ gitDir: "/a/.git", name: "a" });
  await shares.add({ gitDir: "/b/.git", name: "b" });
  await shares.add({ gitDir: "/b/.git", name: "b" });
  await shares.add({ gitDir: "/moved/.git", name: "a" });
  assert.deepEqual(await shares.list(), [
    { gitDir: "/b/.git", name: "b" },
    { gitDir: "/moved/.git", name: "a" },
  ]);
  assert.equal(await shares.remove("/b/.git"), true);
  assert.deepEqual(await shares.list(), [{ gitDir: "/moved/.git", name: "a" }]);
});

Deno.test("shares: fields of later versions are kept, other files refused", async () => {
  await using folder = await temporaryFolder();
  const home = new Home(folder.path);
  const later = { version: 1, shares: [{ gitDir: "/a", name: "a", more: 1 }], new: [2] };
  await Deno.writeTextFile(home.shares, JSON.stringify(later));
  const shares = new Shares(home);
  await shares.add({ gitDir: "/b", name: "b" });
  const written = JSON.parse(await Deno.readTextFile(home.shares));
  assert.deepEqual(written, {
    ...later,
    shares: [...later.shares, { gitDir: "/b", name: "b" }],
  });
  for (const bad of ["", "{}", '{"version":1,"shares":[{"gitDir":"relative","name":"x"}]}']) {
    await Deno.writeTextFile(home.shares, bad);
    await assert.rejects(shares.list(), (error: { code: string }) => error.code === "bad-shares");
  }
});

Deno.test("shares: the lock keeps other processes out, and ends with its holder", async () => {
  await using folder = await temporaryFolder();
  const home = new Home(folder.path);
  const module = new URL("../../../lib/shares/shares.ts", import.meta.url);
  const holder = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      `
      import { Shares } from ${JSON.stringify(module.href)};
      const home = { shares: ${JSON.stringify(home.shares)}, ensure() {} };
      await new Shares(home).lock(new AbortController().signal);
      console.log("held");
      setInterval(() => {}, 1000);
    `,
    ],
    cwd: join(import.meta.dirname!, "..", "..", ".."),
    stdout: "piped",
  }).spawn();
  const reader = holder.stdout.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "held\n");
  const shares = new Shares(home);
  {
    using soon = deadline(100, "the lock");
    await assert.rejects(shares.lock(soon.signal), (e: { code: string }) => e.code === "timed-out");
  }
  holder.kill("SIGKILL");
  await holder.status;
  await reader.read();
  using limit = deadline(60_000, "the lock of a dead process");
  (await shares.lock(limit.signal))[Symbol.dispose]();
});
