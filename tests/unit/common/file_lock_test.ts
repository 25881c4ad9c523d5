import assert from "node:assert/strict";
import { join } from "node:path";
import { lockFile, lockForChange } from "../../../lib/common/file_lock.ts";
import { deadline } from "../../../lib/common/wait.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("one at a time holds a file's lock, and it passes to who waits", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "lock");
  using limit = deadline(60_000, "the lock");
  const first = await lockFile(path, limit.signal);
  let holder = "first";
  const second = lockFile(path, limit.signal).then((lock) => {
    assert.equal(holder, "none");
    holder = "second";
    return lock;
  });
  {
    using short = deadline(100, "the lock");
    await assert.rejects(lockFile(path, short.signal), { code: "timed-out" });
  }
  holder = "none";
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  assert.equal(holder, "second");
});

Deno.test("a file is changed by one at a time, also where its folder isn't there yet", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "home", "names.json");
  const order: string[] = [];
  const change = async (who: string) => {
    using _lock = await lockForChange(path);
    order.push(`${who} begins`);
    await Deno.writeTextFile(path, who);
    order.push(`${who} ends`);
  };
  await Promise.all([change("a"), change("b")]);
  assert.deepEqual([order[0]!.slice(2), order[1]!.slice(2)], ["begins", "ends"]);
  await assert.rejects(lockForChange(join(path, "names.json")), { name: "StoreError" });
});

Deno.test("the lock of a process that dies is free", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "lock");
  const module = new URL("../../../lib/common/file_lock.ts", import.meta.url);
  const script = `
    const { lockFile } = await import(${JSON.stringify(module.href)});
    await lockFile(${JSON.stringify(path)}, new AbortController().signal);
    console.log("held");
    await new Promise(() => setInterval(() => {}, 1000));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).values();
  assert.match((await lines.next()).value!, /held/);
  {
    using short = deadline(60, "the lock");
    await assert.rejects(lockFile(path, short.signal), { code: "timed-out" });
  }
  child.kill("SIGKILL");
  using limit = deadline(60_000, "the lock of a dead process");
  (await lockFile(path, limit.signal))[Symbol.dispose]();
  await lines.return?.();
  await child.status;
});

Deno.test("a lock file that can't be made is an error of the store", async () => {
  await using temp = await tempDir();
  const { signal } = new AbortController();
  await assert.rejects(lockFile(join(temp.path, "none", "lock"), signal), { name: "StoreError" });
});
