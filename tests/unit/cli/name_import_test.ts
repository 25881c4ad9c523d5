import assert from "node:assert/strict";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { type Outcome, User } from "./support.ts";

const [alice, mallory] = [1, 2].map((seed) => keyFromSeed(new Uint8Array(32).fill(seed)));
const WHO = "alice@example.org";

/** A user, and the domain's word that `alice` is who is given. */
async function prepared() {
  const user = await User.make();
  return {
    gtr: (...words: string[]): Promise<Outcome> => user.gtr(user.folder, "name", ...words),
    says: (publisher: unknown) =>
      user.registries.set("example.org", { names: { alice: publisher } }),
    user,
    [Symbol.asyncDispose]: () => user[Symbol.asyncDispose](),
  };
}

Deno.test("name import: keeps what the domain says, and shows where it is from", async () => {
  await using made = await prepared();
  const { gtr, says } = made;
  says(alice!.publicKeyHex);
  const first = await gtr("import", "Alice@Example.org");
  assert.deepEqual([first.code, first.out], [0, `${alice!.id}\n`]);
  assert.match(first.err, /^alice is this publisher from now on, whatever example\.org says/);
  const { out } = await gtr("import", WHO, "--as", "al", "--json");
  const entry = { publisher: alice!.publicKeyHex, from: WHO };
  assert.deepEqual(JSON.parse(out), { name: "al", id: alice!.id, ...entry });
  assert.deepEqual(JSON.parse((await gtr("list", "--json")).out), [
    { name: "al", ...entry },
    { name: "alice", ...entry },
  ]);
  await gtr("add", "bob", mallory!.id);
  assert.match((await gtr("list")).out, /^alice {2}[0-9a-f]{64} {2}alice@example\.org$/m);
  assert.match((await gtr("list")).out, /^bob {4}[0-9a-f]{40} +-$/m);
  // A name that is given by hand is no longer the domain's.
  await gtr("add", "alice", mallory!.id);
  assert.deepEqual(JSON.parse((await gtr("list", "--json")).out)[1], {
    name: "alice",
    publisher: mallory!.id,
  });
});

Deno.test("name import: another key is refused until it is accepted", async () => {
  await using made = await prepared();
  const { gtr, says, user } = made;
  says(alice!.id);
  await gtr("import", WHO);
  says(mallory!.publicKeyHex);
  const refused = async () => {
    const { code, out, err } = await gtr("import", WHO);
    assert.deepEqual([code, out], [1, ""]);
    assert.ok(err.includes(mallory!.id) && err.includes(alice!.id), err);
    assert.match(err, /\nhint: .*gtr name import --accept-change alice@example\.org\n$/);
  };
  await refused();
  assert.match((await gtr("list")).out, new RegExp(`^alice +${alice!.id} `, "m"));
  // The petname alone is enough to know.
  await Deno.remove(user.home.registry);
  await refused();
  await assert.rejects(Deno.stat(user.home.registry), "what was refused is not remembered");
  const accepted = await gtr("import", "--accept-change", WHO);
  assert.deepEqual([accepted.code, accepted.out], [0, `${mallory!.id}\n`]);
  assert.ok(accepted.err.startsWith(`alice was the name of ${alice!.id} until now\n`));
  assert.equal((await gtr("import", WHO)).code, 0);
});

Deno.test("name import: no other publisher loses its name", async () => {
  await using made = await prepared();
  const { gtr, says } = made;
  await gtr("add", "alice", mallory!.id);
  says(alice!.publicKeyHex);
  const { code, err } = await gtr("import", "--accept-change", WHO);
  assert.equal(code, 1);
  assert.match(err, /can't call alice@example\.org 'alice': it is the name of .*\nhint: .*--as/);
  assert.match((await gtr("list")).out, new RegExp(`^alice +${mallory!.id} +-$`, "m"));
});

Deno.test("name import: says what is wrong with the name or the domain", async () => {
  await using made = await prepared();
  const { gtr, says } = made;
  const cases: [string[], unknown, number, RegExp][] = [
    [["alice"], alice!.id, 2, /can't look up 'alice': it has no '@'\nhint: write <user>@<domain>/],
    [["alice@10.0.0.1"], alice!.id, 2, /'10\.0\.0\.1' is an address and not a domain/],
    [["alice@example.org:8443"], alice!.id, 2, /it has a port/],
    [["_@example.org"], alice!.id, 2, /can't use '_' as a name/],
    [["bob@example.org"], alice!.id, 1, /can't find bob@example\.org: example\.org has no such/],
    [[WHO], "nonsense", 1, /example\.org gives it something else than a public key or an id/],
    [["alice@example.com"], alice!.id, 1, /can't reach example\.com: no route\nhint: /],
  ];
  for (const [words, said, exit, message] of cases) {
    says(said);
    const { code, out, err } = await gtr("import", ...words);
    assert.deepEqual([code, out], [exit, ""], words.join(" "));
    assert.match(err, message);
  }
  assert.equal((await gtr("list", "--json")).out, "[]\n");
});
