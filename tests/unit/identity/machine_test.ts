import assert from "node:assert/strict";
import { join } from "node:path";
import { loadMachine, nameMachine, writerName } from "../../../lib/identity/machine.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("machine: a home keeps its number; a copy, and one without its store, get another", async () => {
  await using temp = await tempDir();
  const home = join(temp.path, "home");
  const made = await nameMachine(home, "ab".repeat(32));
  assert.match(made.id, /^[0-9a-f]{16}$/);
  assert.equal((await loadMachine(home)).id, made.id);
  assert.equal((await loadMachine(home)).madeKey, made.madeKey);
  assert.equal((await Deno.stat(join(home, "store"))).mode! & 0o777, 0o700);

  const copy = join(temp.path, "copy");
  await Deno.mkdir(join(copy, "store"), { recursive: true });
  const file = "store/machine.json";
  await Deno.copyFile(join(home, file), join(copy, file));
  const other = await loadMachine(copy);
  assert.notEqual(other.id, made.id);
  assert.equal(other.madeKey, undefined);

  await Deno.writeTextFile(join(home, file), "{");
  const mended = await loadMachine(home);
  assert.notEqual(mended.id, made.id);
  await Deno.remove(join(home, "store"), { recursive: true });
  assert.notEqual((await loadMachine(home)).id, mended.id);
});

Deno.test("machine: a file that isn't what gtr writes counts for nothing", async () => {
  await using temp = await tempDir();
  const made = await nameMachine(temp.path);
  const path = join(temp.path, "store", "machine.json");
  const right = JSON.parse(await Deno.readTextFile(path));
  assert.deepEqual(Object.keys(right).sort(), ["folder", "id", "version"]);
  await Deno.writeTextFile(path, JSON.stringify({ ...right, later: 1 }));
  assert.equal((await loadMachine(temp.path)).id, made.id);
  const wrong = [{ version: 2 }, { id: "x".repeat(16) }, { id: made.id + "0" }, { folder: "1 1" }];
  for (const change of wrong) {
    await Deno.writeTextFile(path, JSON.stringify({ ...right, ...change }));
    const { id } = await loadMachine(temp.path);
    assert.notEqual(id, made.id);
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.equal((await loadMachine(temp.path)).id, id);
  }
});

Deno.test("machine: where there can be no store, it says so", async () => {
  await using temp = await tempDir();
  await Deno.writeTextFile(join(temp.path, "store"), "no folder");
  await assert.rejects(nameMachine(temp.path), {
    name: "StoreError",
    message: /can't make .*store/,
  });
});

Deno.test("machine: its names in two repositories have nothing in common", () => {
  const machine = { id: "0123456789abcdef" };
  const [one, two] = [writerName(machine, "one"), writerName(machine, "two")];
  assert.match(one, /^[0-9a-f]{16}$/);
  assert.notEqual(one, two);
  assert.notEqual(one, machine.id);
  assert.equal(writerName(machine, "one"), one);
});
