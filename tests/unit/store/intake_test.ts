import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { VerificationError } from "../../../lib/common/errors.ts";
import type { PackRef } from "../../../lib/manifest/types.ts";
import { until } from "../../e2e/until.ts";
import { commit, tempDir } from "../git_interface/fixture.ts";
import { fetchInto, fsck, lenient, packRef, Publisher, readerOf } from "./fixture.ts";

const TRAILER_BYTES = 20;

/** Flips a bit of a stored object, and leaves the trailer as it was. */
function altered(pack: Uint8Array, at = pack.length - 200): Uint8Array {
  const bytes = pack.slice();
  bytes[at]! ^= 1;
  return bytes;
}

/** With a trailer that fits, as a publisher can make it. */
function sealed(pack: Uint8Array): Uint8Array {
  const bytes = pack.slice();
  const body = bytes.subarray(0, -TRAILER_BYTES);
  bytes.set(createHash("sha1").update(body).digest(), body.length);
  return bytes;
}

/** What a liar may serve or sign in place of a pack. */
const LIES: Readonly<Record<string, (pack: Uint8Array) => Uint8Array>> = {
  honest: (pack) => pack,
  altered: (pack) => altered(pack),
  "altered early": (pack) => altered(pack, 300),
  "altered and sealed": (pack) => sealed(altered(pack)),
  "wrong trailer": (pack) => altered(pack, pack.length - 5),
  "something behind it": (pack) => new Uint8Array([...pack, ...new Uint8Array(100)]),
  "cut short": (pack) => pack.slice(0, -1000),
  "fewer objects": (pack) => {
    const bytes = pack.slice();
    bytes[11]! -= 1;
    return sealed(bytes);
  },
};

async function setUp(root: string) {
  const publisher = await Publisher.create(root);
  await commit(publisher.work, "a", 200_000);
  await commit(publisher.work, "b", 50_000);
  const made = await publisher.pack();
  return { publisher, made, bytes: await Deno.readFile(made.packPath) };
}

/** A repository in an empty home, and a manifest that lists this pack, which lies in a file. */
async function publicationOf(
  root: string,
  { publisher, made }: Awaited<ReturnType<typeof setUp>>,
  bytes: Uint8Array,
  objects = made.pack.objects,
) {
  const home = await Deno.makeTempDir({ dir: root });
  const packPath = join(home, "signed.pack");
  await Deno.writeFile(packPath, bytes);
  const pack: PackRef = await packRef(packPath, objects, made.pack.tips.slice());
  const signed = await publisher.sign([pack]);
  const reader = readerOf(publisher, home);
  const [file] = await fetchInto(reader, { signed, added: [{ ...made, packPath, pack }] });
  return { signed, pack, reader, path: file!.path };
}

async function isEmpty(folder: string): Promise<boolean> {
  return (await Array.fromAsync(Deno.readDir(folder))).length === 0;
}

Deno.test("a pack that was indexed while another lay in its place is checked itself", async () => {
  await using temp = await tempDir();
  const given = await setUp(temp.path);
  const lie = altered(given.bytes); // signed, with the trailer of the honest one
  const { reader, signed, pack, path } = await publicationOf(temp.path, given, lie);
  await Deno.writeFile(path, given.bytes);
  await using early = reader.indexEarly(pack, { strict: false });
  early.advance(pack.size);
  assert.equal(await early.finish(lenient.signal), undefined);
  await Deno.writeFile(path, lie);
  await assert.rejects(
    reader.accept(signed, [{ pack, path }], { ...lenient, early }),
    (error) => error instanceof VerificationError && error.code === "bad-pack",
  );
  assert.ok(await isEmpty(join(reader.path, "objects", "pack")));
});

for (const [name, lie] of Object.entries(LIES)) {
  Deno.test(`a signed pack is stored only if git accepts all of it: ${name}`, async () => {
    await using temp = await tempDir();
    const given = await setUp(temp.path);
    for (const isEarly of [true, false]) {
      const { reader, signed, pack, path } = await publicationOf(
        temp.path,
        given,
        lie(given.bytes),
        name === "fewer objects" ? given.made.pack.objects - 1 : undefined,
      );
      await using early = reader.indexEarly(pack, { strict: false });
      if (isEarly) early.advance(pack.size);
      const options = isEarly ? { ...lenient, early } : lenient;
      const accepted = reader.accept(signed, [{ pack, path }], options);
      if (name === "honest") {
        await accepted;
        assert.equal(await fsck(reader), "");
      } else {
        await assert.rejects(accepted, { code: "bad-pack" });
        assert.ok(await isEmpty(join(reader.path, "objects", "pack")));
      }
    }
  });
}

Deno.test("a pack of several chunks is taken in whole, from a file and while it comes", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  await commit(publisher.work, "large", 2_500_000);
  const publication = await publisher.publication();
  for (const isEarly of [false, true]) {
    const reader = readerOf(publisher, join(temp.path, `home-${isEarly}`));
    const [file] = await fetchInto(reader, publication);
    const traced: string[] = [];
    const options = { ...lenient, trace: (step: string) => void traced.push(step) };
    await using early = reader.indexEarly(publication.added[0]!.pack, { strict: false });
    if (isEarly) { for (const bytes of [5, 13, 1_500_000]) early.advance(bytes); }
    const accepted = reader.accept(
      publication.signed,
      [file!],
      isEarly ? { ...options, early } : options,
    );
    await accepted;
    assert.equal(await fsck(reader), "");
    assert.equal(traced.includes("indexed while it came"), isEarly, traced.join());
    assert.equal(traced.includes("not indexed while it came"), false);
  }
});

Deno.test("nothing is read of a file before some of it is said to be there", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  await commit(publisher.work, "a", 100_000);
  const publication = await publisher.publication();
  const reader = readerOf(publisher, join(temp.path, "home"));
  await reader.create("sha1");
  await using early = reader.indexEarly(publication.added[0]!.pack, { strict: false });
  await until("git to be there", async () => {
    const own = await Array.fromAsync(Deno.readDir(join(reader.path, "gtr")));
    const quarantine = own.find(({ name }) => name.startsWith("quarantine-"));
    if (!quarantine) return false;
    const folder = join(reader.path, "gtr", quarantine.name, "pack");
    return (await Array.fromAsync(Deno.readDir(folder)).catch(() => [])).length > 0;
  });
  await fetchInto(reader, publication);
  assert.ok(await early.finish(lenient.signal));
});

Deno.test("whatever comes in whatever order, all that is stored passes git fsck", async () => {
  await using temp = await tempDir();
  const given = await setUp(temp.path);
  const variant = fc.constantFrom(...Object.keys(LIES));
  const step = fc.oneof(
    /** More of the file comes from a source. */
    fc.record({
      do: fc.constant("grow" as const),
      variant,
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    /** Another source puts a whole file in its place. */
    fc.record({ do: fc.constant("replace" as const), variant }),
    /** The process is killed, and begins again with what is there. */
    fc.record({ do: fc.constant("restart" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), variant, fc.array(step, { maxLength: 6 }), async (
      isHonest,
      signedAs,
      steps,
    ) => {
      const right = LIES[isHonest ? "honest" : signedAs]!(given.bytes);
      const { reader, signed, pack, path } = await publicationOf(temp.path, given, right);
      await Deno.truncate(path);
      let size = 0;
      let early = reader.indexEarly(pack, { strict: false });
      try {
        for (const one of steps) {
          if (one.do === "restart") {
            await early[Symbol.asyncDispose]();
            early = reader.indexEarly(pack, { strict: false });
            early.advance(Math.min(size, pack.size));
            continue;
          }
          const bytes = LIES[one.variant]!(given.bytes);
          const to = one.do === "replace" ? bytes.length : Math.floor(one.part * bytes.length);
          if (one.do === "replace") await Deno.writeFile(path, bytes);
          else if (to > size) {
            await Deno.writeFile(path, bytes.subarray(size, to), { append: true });
          }
          size = one.do === "replace" ? to : Math.max(size, to);
          early.advance(Math.min(size, pack.size));
        }
        const files = [{ pack, path }];
        const stored = await reader.accept(signed, files, { ...lenient, early })
          .then(() => true, (error) => {
            assert.ok(error instanceof VerificationError, error);
            return false;
          });
        if (!stored) {
          assert.ok(await isEmpty(join(reader.path, "objects", "pack")));
          if (!isHonest) return;
          await Deno.writeFile(path, given.bytes);
          await reader.accept(signed, files, lenient);
        }
        assert.equal(await fsck(reader), "");
        assert.deepEqual(await Deno.readFile(reader.packPath(pack.sha256)), right);
      } finally {
        await early[Symbol.asyncDispose]();
      }
    }),
    { numRuns: 20 },
  );
});
