import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { listRefs } from "../../../lib/git_interface/refs.ts";
import { encodeEnvelope } from "../../../lib/manifest/envelope.ts";
import type { PackRef } from "../../../lib/manifest/types.ts";
import { Store } from "../../../lib/store/store.ts";
import { commit, tempDir } from "../git_interface/fixture.ts";
import { fsck, type Publication, Publisher, readerOf } from "./fixture.ts";
import { ACCEPTED, ANNOUNCED } from "./steps.ts";

const KILLED = join(import.meta.dirname!, "killed.ts");

for (
  const [what, steps] of [["taken over", ACCEPTED], ["announced", ANNOUNCED]] as const
) {
  const isAnnounced = steps === ANNOUNCED;
  Deno.test(`kill -9 before any step of what is ${what} loses nothing, and leaves nothing`, async (t) => {
    await using temp = await tempDir();
    const publisher = await Publisher.create(temp.path);
    const home = join(temp.path, "home");
    const repository = readerOf(publisher, home);
    const waiting: string[] = [];
    let made = 0;

    /** Publishes once more, the first pack kept and all others replaced, by a process of its own. */
    const store = async (step = ""): Promise<Publication> => {
      await commit(publisher.work, `file-${made++}`, 2000);
      const kept = (await repository.packs()).map(({ pack }) => pack).slice(0, 1);
      const added = [await publisher.pack(kept)];
      const packs: PackRef[] = [...kept, added[0]!.pack];
      const signed = isAnnounced
        ? await publisher.sign([], { flow: "announce" })
        : await publisher.sign(packs);
      const file = join(temp.path, "publication.json");
      const envelope = new TextDecoder().decode(encodeEnvelope(signed));
      await Deno.writeTextFile(
        file,
        JSON.stringify({ envelope, added, packs: isAnnounced ? packs : undefined }),
      );
      const { code, signal } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "-q", KILLED, home, publisher.key.publicKeyHex, file, step],
        stdin: "null",
        stderr: "inherit",
      }).output();
      assert.ok(step === "" ? code === 0 : signal === "SIGKILL", `exit code ${code}`);
      return { signed, added };
    };

    const isSound = async (sequence: number) => {
      const manifest = (await repository.manifest())!.manifest;
      assert.equal(manifest.sequence, sequence);
      const packs = (await repository.packs()).map(({ pack }) => `pack-${pack.sha256}`);
      assert.deepEqual(
        await namesIn(join(repository.path, "objects", "pack")),
        packs.flatMap((name) => [`${name}.idx`, `${name}.pack`]).sort(),
      );
      const refs = await listRefs(repository.path, ["refs"]);
      assert.deepEqual(refs, new Map(Object.entries(manifest.refs)));
      assert.equal(await fsck(repository), "");
    };

    for (let i = 0; i < 2; i++) await store();
    for (const [name, { isDone }] of Object.entries(steps)) {
      await t.step(`before ${name}`, async () => {
        const before = (await repository.manifest())!.manifest.sequence;
        const { signed, added } = await store(name);
        // Whoever reads the store before it is mended finds it whole, too.
        await fsck(repository);
        assert.deepEqual(await new Store(new Home(home)).repair(), []);
        await isSound(isDone ? signed.manifest.sequence : before);
        const own = (await namesIn(join(repository.path, "gtr"))).filter((n) => n !== "incoming");
        assert.deepEqual(own, ["manifest.json", "retired", "state.json"]);
        // What was fetched is kept until it is in the store.
        if (!isDone && !isAnnounced) waiting.push(`${added[0]!.pack.sha256}.pack`);
        assert.deepEqual(
          await namesIn(join(repository.path, "gtr", "incoming")),
          waiting.toSorted(),
        );
      });
    }
    await isSound((await store()).signed.manifest.sequence);
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}
