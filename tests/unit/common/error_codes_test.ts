import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..", "..");

async function* texts(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* texts(path);
    else if (name.endsWith(".ts")) yield await Deno.readTextFile(path);
  }
}

Deno.test("error codes: words of a-z and 0-9 joined by hyphens, each in one spelling", async () => {
  const made = /new \w*Error\(\s*"([^"]*)",\s*["'`\w]/g;
  const named = /@throws \{\w*Error\} ((?:"[^"]*"(?:,\s*\*?\s*|\s+or\s+)?)+)/g;
  const codes = new Set<string>();
  for (const folder of ["lib", "cmd"]) {
    for await (const text of texts(join(ROOT, folder))) {
      for (const [, code] of text.matchAll(made)) codes.add(code!);
      for (const [, list] of text.matchAll(named)) {
        for (const [, code] of list!.matchAll(/"([^"]*)"/g)) codes.add(code!);
      }
    }
  }
  assert.ok(codes.size > 100, `${codes.size} codes`);
  const isSystems = (code: string) => /^E[A-Z_]+$/.test(code); // "ECONNRESET"
  const ours = [...codes].filter((code) => !isSystems(code));
  assert.deepEqual(ours.filter((code) => !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(code)), []);
  const spelled = Map.groupBy(ours, (code) => code.replace("cannot", "cant").replaceAll("-", ""));
  assert.deepEqual([...spelled.values()].filter((same) => same.length > 1), []);
});
