/** `.deno-checksums`, and that denort is held to it. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { checksum, sha256 } from "../../../scripts/build/checksums.ts";
import { downloadBase, localBase } from "../../../scripts/build/denort.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const DENORT = `v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "aarch64-pc-windows-msvc",
];

/** A project with these checksums, and a cache of Deno's with this denort. */
async function project(checksums: string, denort: string) {
  const root = await Deno.realPath(await Deno.makeTempDir());
  await Deno.writeTextFile(join(root, ".deno-checksums"), checksums);
  const cached = join(root, "cache", "dl", "release", ...DENORT.split("/"));
  await Deno.mkdir(dirname(cached), { recursive: true });
  await Deno.writeTextFile(cached, denort);
  const before = Deno.env.get("DENO_DIR");
  Deno.env.set("DENO_DIR", join(root, "cache"));
  return {
    root,
    cached,
    async [Symbol.asyncDispose]() {
      before === undefined ? Deno.env.delete("DENO_DIR") : Deno.env.set("DENO_DIR", before);
      await Deno.remove(root, { recursive: true });
    },
  };
}

Deno.test("checksums: every target has one for the Deno in .deno-version", async () => {
  const version = (await Deno.readTextFile(join(ROOT, ".deno-version"))).trim();
  for (const target of TARGETS) {
    assert.match(await checksum(ROOT, `v${version}/deno-${target}`) ?? "none", /^[0-9a-f]{64}$/);
  }
});

Deno.test("checksums: the denort in Deno's cache is used if it has the known one", async () => {
  const bytes = new TextEncoder().encode("denort");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  await using made = await project(`# comment\n${hash}  ${DENORT}\n`, "denort");
  assert.equal(await sha256(made.cached), hash);
  assert.equal((await localBase(made.root))?.id, hash);
  await Deno.remove(made.cached);
  assert.equal(await localBase(made.root), undefined);
});

Deno.test("checksums: another file in denort's place is an error, not a base", async () => {
  await using made = await project(`${"0".repeat(64)}  ${DENORT}\n`, "not denort");
  await assert.rejects(localBase(made.root), {
    message: new RegExp(
      `^can't use ${made.cached}: its SHA-256 is [0-9a-f]{64}, not that in .deno-checksums`,
    ),
  });
});

Deno.test("checksums: a denort without one is neither used nor fetched", async () => {
  await using made = await project(`${"0".repeat(64)}  v0.0.1/denort-x.zip\n`, "denort");
  assert.equal(await localBase(made.root), undefined);
  assert.equal(
    await downloadBase(made.root, made.root),
    `.deno-checksums has no checksum for ${DENORT}`,
  );
});
