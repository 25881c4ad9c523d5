import assert from "node:assert/strict";
import { join } from "node:path";
import { GtrError } from "../../../lib/common/errors.ts";
import { BundleReader } from "../../../lib/store/read_bundle.ts";
import { writeBundle } from "../../../lib/store/write_bundle.ts";
import { commit, tempDir } from "../git_interface/fixture.ts";
import { forever, type Publication, Publisher } from "./fixture.ts";

/** A publication of two packs. */
async function twoPacks(root: string): Promise<Publication> {
  const publisher = await Publisher.create(root);
  await commit(publisher.work, "a.txt");
  const first = await publisher.pack();
  await commit(publisher.work, "b.txt", 1000);
  const second = await publisher.pack([first.pack]);
  return { signed: await publisher.sign([first.pack, second.pack]), added: [first, second] };
}

Deno.test("bundle: what was written is read, pack by pack and in any order", async () => {
  await using temp = await tempDir();
  const { signed, added } = await twoPacks(temp.path);
  const file = join(temp.path, "x.gtr");
  const told: number[] = [];
  const size = await writeBundle(file, signed, added.map(({ packPath }) => packPath), {
    ...forever,
    progress: (done, total) => void told.push(done / total),
  });
  assert.equal(size, (await Deno.stat(file)).size);
  assert.equal(told.at(-1), 1);
  using bundle = await BundleReader.open(file);
  assert.deepEqual(bundle.signed, signed);
  for (const { pack, packPath } of added.toReversed()) {
    const into = join(temp.path, "out.pack");
    await bundle.extract(pack, into, forever.signal);
    assert.deepEqual(await Deno.readFile(into), await Deno.readFile(packPath));
  }
});

Deno.test("bundle: cut anywhere, or with any byte changed, it is never taken for whole", async () => {
  await using temp = await tempDir();
  const { signed, added } = await twoPacks(temp.path);
  const file = join(temp.path, "x.gtr");
  await writeBundle(file, signed, added.map(({ packPath }) => packPath), forever);
  const good = await Deno.readFile(file);
  const refused = async (bytes: Uint8Array, what: string) => {
    await Deno.writeFile(file, bytes);
    const into = join(temp.path, "out.pack");
    await assert.rejects(
      async () => {
        using bundle = await BundleReader.open(file);
        for (const pack of bundle.signed.manifest.packs) {
          await bundle.extract(pack, into, forever.signal);
          await Deno.remove(into);
        }
      },
      (error) => error instanceof GtrError && error.code !== "internal",
      what,
    );
    assert.equal(await Deno.stat(into).catch(() => "none"), "none", what);
  };
  for (let at = 0; at < good.length; at += 37) {
    await refused(good.subarray(0, at), `cut at ${at}`);
    const spoilt = good.slice();
    spoilt[at]! ^= 1;
    await refused(spoilt, `byte ${at}`);
  }
});

Deno.test("bundle: a file appears whole or not at all", async () => {
  await using temp = await tempDir();
  const { signed, added } = await twoPacks(temp.path);
  const file = join(temp.path, "x.gtr");
  await Deno.writeTextFile(file, "before");
  const folder = [...Deno.readDirSync(temp.path)].length;
  const paths = added.map(({ packPath }) => packPath);
  const aborted = { signal: AbortSignal.abort(new GtrError("stopping", "stopping")) };
  await assert.rejects(writeBundle(file, signed, paths, aborted), /stopping/);
  await assert.rejects(writeBundle(file, signed, paths.toReversed(), forever), /is damaged/);
  await assert.rejects(writeBundle(file, signed, ["gone", "gone"], forever), /was replaced/);
  assert.equal(await Deno.readTextFile(file), "before");
  assert.equal([...Deno.readDirSync(temp.path)].length, folder);
});

Deno.test("bundle: neither a folder nor a link is replaced", async () => {
  await using temp = await tempDir();
  const { signed, added } = await twoPacks(temp.path);
  const paths = added.map(({ packPath }) => packPath);
  const [folder, link] = [join(temp.path, "folder"), join(temp.path, "link")];
  await Deno.mkdir(folder);
  await Deno.symlink("target", link);
  const refused = (file: string) =>
    assert.rejects(writeBundle(file, signed, paths, forever), {
      code: "bad-file",
      hint: "name a file that is there not yet",
    });
  await refused(folder);
  await refused(link);
  assert.equal(await Deno.readLink(link), "target");
});

Deno.test("bundle: what is no file, or not there, is told", async () => {
  await using temp = await tempDir();
  const { signed, added } = await twoPacks(temp.path);
  const paths = added.map(({ packPath }) => packPath);
  const bad = (message: RegExp) => ({ code: "bad-file", message, hint: /name a file/ });
  await assert.rejects(BundleReader.open(join(temp.path, "none")), bad(/there is no such file/));
  await assert.rejects(BundleReader.open(temp.path), bad(/not a regular file/));
  const nowhere = join(temp.path, "none", "x.gtr");
  await assert.rejects(
    writeBundle(nowhere, signed, paths, forever),
    bad(/^can't write .*: there is no such folder$/),
  );
  const within = join(paths[0]!, "x.gtr");
  await assert.rejects(writeBundle(within, signed, paths, forever), bad(/^can't write /));
});

Deno.test("bundle: how long it should be is told, where it is cut short or something was added", async () => {
  await using temp = await tempDir();
  const { signed, added } = await twoPacks(temp.path);
  const file = join(temp.path, "x.gtr");
  const size = await writeBundle(file, signed, added.map(({ packPath }) => packPath), forever);
  const whole = await Deno.readFile(file);
  const packs = added.reduce((sum, { pack }) => sum + pack.size, 0);
  for (
    const [bytes, message] of [
      [whole.subarray(0, -1), `it is cut short: ${size - 1} bytes instead of at least ${size}`],
      [
        new Uint8Array([...whole, 0]),
        `something was added to it: ${size + 1} bytes instead of ${size}`,
      ],
      [
        whole.subarray(0, size - packs - 1),
        `it is cut short: ${size - packs - 1} bytes instead of at least ${size - packs}`,
      ],
    ] as const
  ) {
    await Deno.writeFile(file, bytes);
    await assert.rejects(BundleReader.open(file), { code: "bad-bundle", message });
  }
});

Deno.test("bundle: a pack that can't be put anywhere leaves nothing, and the bundle stays good", async () => {
  await using temp = await tempDir();
  const { signed, added } = await twoPacks(temp.path);
  const file = join(temp.path, "x.gtr");
  await writeBundle(file, signed, added.map(({ packPath }) => packPath), forever);
  using bundle = await BundleReader.open(file);
  const { pack } = added[1]!;
  const into = join(temp.path, "none", "x.pack");
  await assert.rejects(bundle.extract(pack, into, forever.signal), { name: "StoreError" });
  const other = join(temp.path, "out.pack");
  await Deno.writeFile(other, new Uint8Array(100_000)); // what was there is written over
  let moved = 0;
  await bundle.extract(pack, other, forever.signal, (bytes) => moved += bytes);
  assert.deepEqual([moved, (await Deno.stat(other)).size], [pack.size, pack.size]);
});
