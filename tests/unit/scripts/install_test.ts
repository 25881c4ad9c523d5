import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { advice } from "../../../scripts/install/advice.ts";
import { InstallError } from "../../../scripts/install/error.ts";
import { install, uninstall } from "../../../scripts/install/place.ts";
import { plan } from "../../../scripts/install/plan.ts";
import { RECORD } from "../../../scripts/install/record.ts";
import { findTarget } from "../../../scripts/install/target.ts";

const REPOSITORY = join(import.meta.dirname!, "..", "..", "..");

/** A project whose build has these bundles, and a folder to install into. */
async function project(build = "aaaa") {
  const root = await Deno.realPath(await Deno.makeTempDir());
  const write = async (path: string, text: string, mode = 0o644) => {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), text, { mode });
  };
  const launch = async (build: string) => {
    await write("dist/bin/gtr", `#!/bin/sh\nexec "$lib/${build}/gtr.js"\n`, 0o755);
    await write(`dist/lib/gtr/${build}/gtr.js`, "");
    await write(`dist/lib/gtr/${build}/chunk.js`, "");
  };
  await launch(build);
  await write("dist/lib/gtr/deno", "#!/bin/sh\n", 0o755);
  await write("dist/share/man/man1/gtr.1", ".TH GTR 1\n");
  await write("docs/networks/torrent.md", "# BitTorrent\n");
  await write("docs/figures.json", "{}");
  for (const name of ["LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md"]) {
    await write(name, `${name}\n`);
  }
  for (const name of ["gtd.service", "org.gtr.gtd.plist"]) {
    await write(`scripts/${name}`, await Deno.readTextFile(join(REPOSITORY, "scripts", name)));
  }
  return {
    root,
    base: join(root, "opt", "gtr"),
    write,
    launch,
    plan: (prefix = join(root, "opt", "gtr"), os: typeof Deno.build.os = "linux") =>
      plan(root, prefix, os, "/home/alice"),
    files: () => files(join(root, "opt")),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

async function files(folder: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
    const path = join(below, name);
    if (isDirectory) found.push(...await files(folder, path));
    else found.push(path);
  }
  return found.sort();
}

const BUILT = [
  "gtr/bin/gtr",
  "gtr/lib/gtr/aaaa/chunk.js",
  "gtr/lib/gtr/aaaa/gtr.js",
  "gtr/lib/gtr/deno",
  "gtr/lib/systemd/user/gtd.service",
  "gtr/share/doc/gtr/CHANGELOG.md",
  "gtr/share/doc/gtr/LICENSE",
  "gtr/share/doc/gtr/README.md",
  "gtr/share/doc/gtr/SECURITY.md",
  "gtr/share/doc/gtr/docs/networks/torrent.md",
  "gtr/share/gtr/installed.json",
  "gtr/share/man/man1/gtr.1",
];

Deno.test("install: everything, twice the same, and uninstalling leaves nothing", async () => {
  await using made = await project();
  assert.equal(await install(made.base, await made.plan()), false);
  assert.deepEqual(await made.files(), BUILT);
  assert.equal((await Deno.stat(join(made.base, "bin", "gtr"))).mode! & 0o777, 0o755);
  assert.equal((await Deno.stat(join(made.base, "share/man/man1/gtr.1"))).mode! & 0o777, 0o644);
  const record = await Deno.readTextFile(join(made.base, RECORD));
  assert.equal(await install(made.base, await made.plan()), true);
  assert.deepEqual(await made.files(), BUILT);
  assert.equal(await Deno.readTextFile(join(made.base, RECORD)), record);
  assert.equal(await uninstall(made.base), BUILT.length - 1);
  await assert.rejects(Deno.stat(join(made.root, "opt")), Deno.errors.NotFound);
  await assert.rejects(uninstall(made.base), /make install has put nothing into/);
});

Deno.test("install: what others put there stays", async () => {
  await using made = await project();
  await made.write("opt/gtr/bin/other", "");
  await made.write("opt/gtr/lib/gtr/aaaa/note", "");
  await install(made.base, await made.plan());
  await uninstall(made.base);
  assert.deepEqual(await made.files(), ["gtr/bin/other", "gtr/lib/gtr/aaaa/note"]);
});

Deno.test("install: a new version replaces the old, whose bundles stay for one more", async () => {
  await using made = await project();
  const bundles = async () =>
    (await made.files()).filter((path) => path.startsWith("gtr/lib/gtr/")).join(" ");
  await made.write("dist/bin/git-remote-old", "#!/bin/sh\n", 0o755);
  await install(made.base, await made.plan());
  await Deno.remove(join(made.root, "dist", "bin", "git-remote-old"));
  await made.launch("bbbb");
  const expected = "gtr/lib/gtr/aaaa/chunk.js gtr/lib/gtr/aaaa/gtr.js gtr/lib/gtr/bbbb/chunk.js " +
    "gtr/lib/gtr/bbbb/gtr.js gtr/lib/gtr/deno";
  for (let times = 0; times < 2; times++) {
    await install(made.base, await made.plan());
    assert.equal(await bundles(), expected);
  }
  assert.ok(!(await made.files()).includes("gtr/bin/git-remote-old"));
  await made.launch("cccc");
  await install(made.base, await made.plan());
  assert.equal(await bundles(), expected.replaceAll("bbbb", "cccc").replaceAll("aaaa", "bbbb"));
  await assert.rejects(Deno.stat(join(made.base, "lib/gtr/aaaa")), Deno.errors.NotFound);
  await uninstall(made.base);
  await assert.rejects(Deno.stat(join(made.root, "opt")), Deno.errors.NotFound);
});

Deno.test("install: one that was interrupted can be finished, or taken back", async () => {
  for (const finish of [true, false]) {
    await using made = await project();
    const planned = await made.plan();
    const broken = { to: "share/zzz", mode: 0o644, from: { path: join(made.root, "gone") } };
    await assert.rejects(install(made.base, [...planned, broken]), InstallError);
    if (finish) {
      await install(made.base, planned);
      assert.deepEqual(await made.files(), BUILT);
    }
    await uninstall(made.base);
    await assert.rejects(Deno.stat(join(made.root, "opt")), Deno.errors.NotFound);
  }
});

Deno.test("install: another program of the same name is not overwritten", async () => {
  await using made = await project();
  await made.write("opt/gtr/bin/gtr", "GNU tr");
  await assert.rejects(install(made.base, await made.plan()), (error: Error) => {
    assert.match(
      error.message,
      /^can't install .*\/bin\/gtr: it is there already, and not of this/,
    );
    return true;
  });
  assert.deepEqual(await made.files(), ["gtr/bin/gtr"]);
});

Deno.test("install: what is not built, or only half, is said in one line", async () => {
  await using made = await project();
  const refused = async (what: RegExp) => {
    await assert.rejects(made.plan(), (error: Error) => {
      assert.ok(error instanceof InstallError);
      assert.match(error.message, what);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  };
  await Deno.remove(join(made.root, "dist", "share"), { recursive: true });
  await refused(/the build is not whole: there is no dist\/share \(make\)$/);
  await Deno.remove(join(made.root, "dist", "lib", "gtr", "aaaa"), { recursive: true });
  await refused(/there is no dist\/lib\/gtr\/aaaa \(make\)$/);
  await Deno.remove(join(made.root, "dist", "lib"), { recursive: true });
  await refused(/there is no dist\/lib\/gtr\/deno \(make\)$/);
  await Deno.remove(join(made.root, "dist"), { recursive: true });
  await refused(/^can't install: nothing is built yet \(make\)$/);
});

Deno.test("install: binaries need no bundles", async () => {
  await using made = await project();
  await Deno.remove(join(made.root, "dist", "lib"), { recursive: true });
  await made.write("dist/bin/gtr", "\x7fELF", 0o755);
  const planned = await made.plan();
  assert.deepEqual(planned.filter(({ to }) => to.startsWith("lib/gtr/")), []);
  assert.equal(planned[0]!.to, "bin/gtr");
});

Deno.test("install: a file in the way, and a folder that can't be written, are told", async () => {
  await using made = await project();
  const planned = await made.plan();
  const fails = async (base: string, what: RegExp) => {
    await assert.rejects(install(base, planned), (error: Error) => {
      assert.ok(error instanceof InstallError, String(error));
      assert.match(error.message, what);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  };
  await made.write("opt/gtr", "");
  await fails(made.base, /there is a file /);
  await Deno.remove(made.base);
  await made.write("opt/gtr/share/man/man1/gtr.1/x", "");
  await fails(made.base, /gtr\.1: there is a folder where a file has to be$/);
  await Deno.mkdir(join(made.root, "closed"), { mode: 0o500 });
  const closed = Deno.uid() === 0 ? "/sys/gtr" : join(made.root, "closed", "gtr");
  await fails(closed, /permission denied|read-only/);
});

Deno.test("install: a damaged list of what is installed removes nothing", async () => {
  await using made = await project();
  await made.write("opt/gtr/keep", "");
  const lists: unknown[] = [
    "{",
    { version: 1, files: ["../../keep"], folders: [], replaced: [] },
    { version: 1, files: ["/etc/passwd"], folders: [], replaced: [] },
    { version: 1, files: [], folders: ["a/../.."], replaced: [] },
    { version: 2, files: ["keep"], folders: [], replaced: [] },
  ];
  for (const list of lists) {
    await made.write(`opt/gtr/${RECORD}`, typeof list === "string" ? list : JSON.stringify(list));
    await assert.rejects(uninstall(made.base), /it is damaged/);
  }
  assert.ok((await made.files()).includes("gtr/keep"));
});

Deno.test("install: PREFIX and DESTDIR", () => {
  const target = (variables: Record<string, string>) => findTarget((name) => variables[name]);
  const HOME = "/home/alice";
  assert.deepEqual(target({ HOME }), {
    prefix: "/home/alice/.local",
    base: "/home/alice/.local",
    staged: false,
  });
  assert.deepEqual(target({ HOME, PREFIX: "/usr/", DESTDIR: "/tmp/package" }), {
    prefix: "/usr",
    base: "/tmp/package/usr",
    staged: true,
  });
  assert.equal(
    target({ DESTDIR: "debian/gtr", PREFIX: "/usr" }).base,
    join(Deno.cwd(), "debian/gtr/usr"),
  );
  assert.throws(() => target({}), /no HOME \(set PREFIX\)/);
  assert.throws(() => target({ HOME, PREFIX: "opt" }), /an absolute path \(PREFIX=\/.*\/opt\)$/);
  assert.throws(() => target({ HOME, PREFIX: "~/x" }), /\(PREFIX=\/home\/alice\/x\)$/);
  assert.throws(() => target({ HOME, PREFIX: "/a\nb" }), /a control character/);
});

Deno.test("install: the service file fits the prefix and the system", async () => {
  await using made = await project();
  const service = async (prefix: string, os: typeof Deno.build.os) => {
    const { to, from } = (await made.plan(prefix, os)).at(-1)!;
    return [to, "text" in from ? from.text : ""] as const;
  };
  const [own, text] = await service("/home/alice/.local", "linux");
  assert.equal(own, "share/systemd/user/gtd.service");
  assert.match(text, /^ExecStart=\/home\/alice\/\.local\/bin\/gtd$/m);
  const [system, odd] = await service('/opt/50% of "x"', "linux");
  assert.equal(system, "lib/systemd/user/gtd.service");
  assert.match(odd, /^ExecStart="\/opt\/50%% of \\"x\\"\/bin\/gtd"$/m);
  const [agent, plist] = await service("/opt/a&b", "darwin");
  assert.equal(agent, "share/gtr/org.gtr.gtd.plist");
  assert.match(plist, /<string>\/opt\/a&amp;b\/bin\/gtd<\/string>/);
  assert.ok(!(await made.plan("/opt", "freebsd")).some(({ to }) => to.includes("systemd")));
});

Deno.test("install: afterwards it says what is left to do, and nothing else", async () => {
  await using made = await project();
  const { root } = made;
  const script = (name: string, says = "") =>
    made.write(name, `#!/bin/sh\nprintf '${says}'\n`, 0o755);
  await script("usr/bin/git");
  await script("usr/bin/systemctl");
  await script("brew/bin/gtr", "tr (GNU coreutils) 9.4\\n");
  await script("mine/bin/gtr");
  const path = (...folders: string[]) => folders.map((name) => join(root, name, "bin")).join(":");
  const told = (PATH: string, more: Record<string, string> = {}, upgraded = false) =>
    advice({
      env: (name) => ({ PATH, HOME: join(root, "mine"), ...more })[name],
      os: "linux",
      bin: join(root, "mine", "bin"),
      service: join(root, "mine", ".local", "share", "systemd", "user", "gtd.service"),
      upgraded,
    });
  const start = "to run gtd as a service: systemctl --user enable --now gtd";
  assert.deepEqual(await told(path("mine", "usr", "brew")), [start]);
  const [missing, ...rest] = await told(path("usr"));
  assert.equal(missing, `put it on PATH: export PATH="${root}/mine/bin:$PATH"`);
  assert.deepEqual(rest, [start]);
  const [other] = await told(path("brew", "mine", "usr"));
  assert.equal(
    other,
    `warning: another gtr comes first on PATH: ${root}/brew/bin/gtr (GNU tr, of coreutils); ` +
      "call this one gti",
  );
  assert.match((await told(path("mine")))[0]!, /^install git 2\.34 or newer/);
  assert.match((await told(path("mine", "usr"), {}, true))[0]!, /systemctl --user restart gtd/);
  assert.match((await told(path("mine", "usr"), { SHELL: "/bin/zsh" }))[1]!, /fpath\+=/);
  const [elsewhere] = await told(path("mine", "usr"), { XDG_DATA_HOME: "/data" });
  assert.match(elsewhere!, /enable --now ".*\/gtd\.service"$/);
});
