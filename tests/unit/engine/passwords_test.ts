import assert from "node:assert/strict";
import { inspect } from "node:util";
import { join } from "node:path";
import { Passwords } from "../../../lib/engine/passwords.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("passwords: what a person gives is kept, forgotten, and shown to nobody", async () => {
  const passwords = new Passwords("");
  assert.equal(await passwords.get("nostr"), undefined);
  passwords.set("nostr", "open sesame");
  assert.equal(await passwords.get("nostr"), "open sesame");
  assert.equal(await passwords.get("other"), undefined);
  const shown = inspect(passwords, { depth: 9, showHidden: true }) + Deno.inspect(passwords) +
    JSON.stringify(passwords);
  assert(!shown.includes("sesame"), shown);
  passwords.set("nostr", undefined);
  assert.deepEqual([await passwords.get("nostr"), passwords.given("nostr")], [
    undefined,
    undefined,
  ]);
});

Deno.test("passwords: the service manager's stands in for a person's", async () => {
  await using temp = await tempDir();
  const passwords = new Passwords(temp.path);
  assert.equal(await passwords.get("nostr"), undefined);
  const path = join(temp.path, "nostr-password");
  for (
    const [text, password] of [["a b\n", "a b"], ["a b", "a b"], ["x\r\ny", "x"], ["\n", undefined]]
  ) {
    await Deno.writeTextFile(path, text!);
    assert.equal(await passwords.get("nostr"), password);
  }
  await Deno.writeTextFile(path, "of the service\n");
  passwords.set("nostr", "of a person");
  assert.equal(await passwords.get("nostr"), "of a person");
  passwords.set("nostr", undefined);
  assert.equal(await passwords.get("nostr"), "of the service");
});
