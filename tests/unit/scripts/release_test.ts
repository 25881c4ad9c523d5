import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { archive } from "../../../scripts/release/archive.ts";
import { platform } from "../../../scripts/release/platform.ts";
import { installer, sums } from "../../../scripts/release/sums.ts";
import { tar } from "../../../scripts/release/tar.ts";

const DATE = 1_800_000_000;
const KEY = 'release namespaces="gtr-release" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+/8=';
const ALLOWED = `# comment\n${KEY}\n\n${KEY}\n`;
const ROOT = join(import.meta.dirname!, "..", "..", "..");

/** A folder that looks like a tree in which binaries were built. */
async function made(build: unknown): Promise<{ root: string } & AsyncDisposable> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  const files = {
    "dist/build.json": JSON.stringify(build),
    "dist/bin/gtr": "\x7fELF gtr",
    "dist/bin/gtd": "\x7fELF gtd",
    "dist/share/man/man1/gtr.1": "gtr",
    "docs/security.md": "secure",
    "LICENSE": "MIT",
    "README.md": "read",
    "SECURITY.md": "report",
    "CHANGELOG.md": "changed",
    "scripts/gtd.service": "ExecStart=@BINDIR@/gtd\n",
  };
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), text);
  }
  for (const name of ["gtr", "gtd"]) await Deno.chmod(join(root, "dist", "bin", name), 0o755);
  await Deno.link(join(root, "dist", "bin", "gtr"), join(root, "dist", "bin", "gti"));
  return { root, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}

const BINARIES = { kind: "binaries", fingerprint: "0123456789abcdef" };

Deno.test("release: an archive has what make install installs, and tar reads it", async () => {
  await using tree = await made(BINARIES);
  const file = join(tree.root, "a.tar.gz");
  await Deno.writeFile(file, await archive(tree.root, "gtr-1.2.3-linux-x64", "linux", DATE));
  const run = async (...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command("tar", { args, cwd: tree.root })
      .output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  };
  const listed = (await run("-tzf", file)).trim().split("\n");
  assert.deepEqual(listed.filter((path) => /\/(bin|man1|systemd\/user)\//.test(path)), [
    "gtr-1.2.3-linux-x64/bin/gtd",
    "gtr-1.2.3-linux-x64/bin/gti",
    "gtr-1.2.3-linux-x64/bin/gtr",
    "gtr-1.2.3-linux-x64/lib/systemd/user/gtd.service",
    "gtr-1.2.3-linux-x64/share/man/man1/gtr.1",
  ]);
  await run("-xzf", file);
  const bin = join(tree.root, "gtr-1.2.3-linux-x64", "bin");
  assert.equal(await Deno.readTextFile(join(bin, "gtr")), "\x7fELF gtr");
  assert.equal((await Deno.stat(join(bin, "gtr"))).mode! & 0o777, 0o755);
  assert.equal((await Deno.stat(join(bin, "gti"))).nlink, 2); // one file with gtr
  assert.equal((await Deno.stat(join(bin, "gtd"))).mtime!.getTime(), DATE * 1000);
});

Deno.test("release: one build gives one archive, wherever and whenever it is made", async () => {
  const pack = async () => {
    await using tree = await made(BINARIES);
    return await archive(tree.root, "gtr-1.2.3-linux-x64", "linux", DATE);
  };
  assert.deepEqual(await pack(), await pack());
});

Deno.test("release: what isn't made of whole binaries isn't packed", async () => {
  for (const build of [{}, { ...BINARIES, kind: "bundles" }, { ...BINARIES, fingerprint: "" }]) {
    await using tree = await made(build);
    await assert.rejects(archive(tree.root, "gtr", "linux", DATE), {
      message: "can't pack: dist has no standalone binaries (make KIND=binaries)",
    });
  }
});

Deno.test("release: a path that the format has no room for is an error", () => {
  const path = "x".repeat(101);
  assert.throws(() => tar([{ path, mode: 0o644 }], DATE), /its path is too long$/);
});

Deno.test("release: sums are those that sha256sum checks", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await assert.rejects(sums(folder), /has no archive$/);
    await Deno.writeTextFile(join(folder, "b.tar.gz"), "b");
    await Deno.writeTextFile(join(folder, "a.tar.gz"), "a");
    await Deno.writeTextFile(join(folder, "notes.md"), "c");
    assert.equal(
      await sums(folder),
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.tar.gz\n" +
        "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b.tar.gz\n",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("release: the installer knows where its release is", async () => {
  const template = await Deno.readTextFile(join(ROOT, "scripts", "install.sh"));
  const text = installer(template, "1.2.3", "https://example.org/gtr/v1.2.3/", ALLOWED);
  assert.match(text, /^ {2}base=\$\{GTR_RELEASE:-https:\/\/example\.org\/gtr\/v1\.2\.3\}$/m);
  assert.ok(text.includes(`\nsigners='${KEY}\n${KEY}'\n`));
  assert.doesNotMatch(text, /@RELEASE@|@SIGNERS@/);
  for (const base of ["http://example.org", "https://x/$(id)", "https://x/}; id"]) {
    assert.throws(
      () => installer(template, "1.2.3", base, ALLOWED),
      /it has to be an https address$/,
    );
  }
});

Deno.test("release: there is none without a release key that the installer can name", async () => {
  const base = "https://example.org/gtr";
  assert.throws(
    () => installer("", "1.2.3", base, "# none yet\n"),
    /allowed_signers has no release key$/,
  );
  for (const line of [`${KEY}'; id; '`, KEY.replace("release ", "* "), "ssh-ed25519 AAAA"]) {
    assert.throws(() => installer("", "1.2.3", base, line), /can't use a line of allowed_signers/);
  }
  const tree = await Deno.readTextFile(join(ROOT, "scripts", "release", "allowed_signers"));
  const keys = tree.split("\n").filter((line) => line && !line.startsWith("#"));
  if (keys.length > 0) installer("", "1.2.3", base, tree);
});

Deno.test("release: platforms have the names that install.sh looks for", () => {
  assert.equal(platform("linux", "x86_64"), "linux-x64");
  assert.equal(platform("darwin", "aarch64"), "macos-arm64");
  assert.equal(platform("windows", "x86_64"), "windows-x64");
  assert.throws(() => platform("freebsd", "x86_64"), /can't release for freebsd on x86_64/);
});
