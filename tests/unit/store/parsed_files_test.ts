/** Files are parsed once for each change, whoever makes it and however. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ParsedFiles } from "../../../lib/store/parsed_files.ts";
import { tempDir } from "../git_interface/fixture.ts";

function counting() {
  let parsed = 0;
  const files = new ParsedFiles<{ text: string }>();
  const read = (path: string) =>
    files.read(path, (bytes) => {
      parsed++;
      const text = new TextDecoder().decode(bytes);
      if (text.startsWith("bad")) throw new Error(text);
      return { text };
    });
  return { read, parsed: () => parsed };
}

Deno.test("parsed files: once for each content, also where date and size stay as they are", async () => {
  await using temp = await tempDir();
  const { read, parsed } = counting();
  const path = join(temp.path, "file");
  assert.equal(await read(path), undefined);
  await Deno.writeTextFile(path, "one");
  const { mtime } = await Deno.stat(path);
  const first = await read(path);
  assert.equal(first?.text, "one");
  assert.equal(await read(path), first);
  assert.equal(parsed(), 1);

  await Deno.writeTextFile(path, "two");
  await Deno.utime(path, mtime!, mtime!);
  assert.equal((await read(path))?.text, "two");
  assert.equal(parsed(), 2);

  await Deno.writeTextFile(`${path}.tmp`, "two");
  await Deno.rename(`${path}.tmp`, path);
  assert.equal((await read(path))?.text, "two");
  assert.equal(parsed(), 2);

  await Deno.remove(path);
  assert.equal(await read(path), undefined);
});

Deno.test("parsed files: what is bad is bad each time, and forgets what was good before", async () => {
  await using temp = await tempDir();
  const { read, parsed } = counting();
  const path = join(temp.path, "file");
  await Deno.writeTextFile(path, "good");
  await read(path);
  await Deno.writeTextFile(path, "bad");
  await assert.rejects(read(path), { message: "bad" });
  await assert.rejects(read(path), { message: "bad" });
  await Deno.writeTextFile(path, "good");
  assert.equal((await read(path))?.text, "good");
  assert.equal(parsed(), 4);
  await assert.rejects(read(join(path, "x")), { code: "not-writable" });
});

Deno.test("parsed files: the oldest are forgotten once all together are large", async () => {
  await using temp = await tempDir();
  const { read, parsed } = counting();
  const paths = Array.from({ length: 5 }, (_, i) => join(temp.path, String(i)));
  for (const path of paths) await Deno.writeTextFile(path, path.at(-1)!.repeat(1 << 20));
  for (const path of paths) await read(path);
  for (const path of paths.slice(1)) await read(path);
  assert.equal(parsed(), 5);
  await read(paths[0]!);
  assert.equal(parsed(), 6);
});
