/** The installer of releases, with a release that a server on loopback has. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { installer, sums } from "../../../scripts/release/sums.ts";
import { tar } from "../../../scripts/release/tar.ts";

const SCRIPTS = join(import.meta.dirname!, "..", "..", "..", "scripts");
const DATE = 1_800_000_000;

const NEEDS = ["tar", "curl", "ssh-keygen", "openssl"];
const there = await Promise.all(NEEDS.map(async (name) => {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).output();
  return success;
}));
const missing = NEEDS.find((_, i) => !there[i]);

/** A test of the installer, which is ignored where it can't download or unpack. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: missing ? `${name} (needs ${missing})` : name, ignore: !!missing, fn });
}

type Files = Record<string, Uint8Array<ArrayBuffer>>;

const text = (content: string) => new TextEncoder().encode(content);

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** A folder with the keys of a test: the release's, and the server's with its certificate. */
async function keys() {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const [release, stranger] = [join(folder, "release"), join(folder, "stranger")];
  for (const key of [release, stranger]) {
    await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key);
  }
  const half = (await Deno.readTextFile(`${release}.pub`)).trim();
  const allowed = `# comment\nrelease namespaces="gtr-release" ${half}\n`;
  await Deno.writeTextFile(join(folder, "allowed_signers"), allowed);
  await Deno.copyFile(join(SCRIPTS, "release", "sign.sh"), join(folder, "sign.sh"));
  const [key, cert] = [join(folder, "server.key"), join(folder, "server.pem")];
  await run(
    "openssl",
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-subj", "/CN=server", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", key, "-out", cert],
  );
  return {
    allowed,
    release,
    stranger,
    cert,
    tls: { key: await Deno.readTextFile(key), cert: await Deno.readTextFile(cert) },
    /** SHA256SUMS.sig of these sums, by what a maintainer runs. */
    async sign(sums: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
      await Deno.writeFile(join(folder, "SHA256SUMS"), sums);
      await run("sh", join(folder, "sign.sh"), folder, release);
      return await Deno.readFile(join(folder, "SHA256SUMS.sig"));
    },
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

type Keys = Awaited<ReturnType<typeof keys>>;

/** A release for linux-x64 whose programs only tell their version. */
async function release(version: string, { sign }: Keys): Promise<Files> {
  const folder = `gtr-${version}-linux-x64`;
  const program = (name: string) => ({
    path: `${folder}/bin/${name}`,
    mode: 0o755,
    content: text(`#!/bin/sh\necho "${name} ${version}"\n`),
  });
  const archive = new Uint8Array(gzipSync(tar([
    program("gtd"),
    program("gtr"),
    { path: `${folder}/bin/gti`, mode: 0o755, link: `${folder}/bin/gtr` },
    {
      path: `${folder}/lib/systemd/user/gtd.service`,
      mode: 0o644,
      content: text("ExecStart=/@PREFIX@/bin/gtd\n"),
    },
  ], DATE)));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", archive)).toHex();
  const SHA256SUMS = text(
    `${"0".repeat(64)}  gtr-${version}-macos-x64.tar.gz\n${hash}  ${folder}.tar.gz\n`,
  );
  return { SHA256SUMS, "SHA256SUMS.sig": await sign(SHA256SUMS), [`${folder}.tar.gz`]: archive };
}

/** A user with a home, who downloads from `files`. */
async function user({ allowed, cert, tls }: Keys, files: Files) {
  const home = await Deno.realPath(await Deno.makeTempDir());
  const bin = join(home, "tools");
  await Deno.mkdir(bin);
  const tool = (name: string, text: string) =>
    Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await tool("uname", '[ "$1" = -s ] && echo Linux || echo x86_64');
  const asked: string[] = [];
  const answer = (request: Request): Response => {
    asked.push(request.url);
    const path = new URL(request.url).pathname.slice(1);
    if (path.startsWith("plain/")) {
      return Response.redirect(`http://127.0.0.1:${plain.addr.port}/${path.slice(6)}`);
    }
    return files[path] ? new Response(files[path]) : new Response("no", { status: 404 });
  };
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const plain = Deno.serve(options, answer);
  const server = Deno.serve({ ...options, ...tls }, answer);
  const base = `https://127.0.0.1:${server.addr.port}`;
  const script = join(home, "install.sh");
  const template = await Deno.readTextFile(join(SCRIPTS, "install.sh"));
  /** Has the installer of a version. */
  const has = (version: string) =>
    Deno.writeTextFile(script, installer(template, version, base, allowed));
  await has("1.2.3");
  return {
    has,
    home,
    files,
    tool,
    base,
    script,
    asked,
    plain: `http://127.0.0.1:${plain.addr.port}`,
    async install(env: Record<string, string> = {}) {
      const { code, stdout, stderr } = await new Deno.Command("sh", {
        args: [this.script],
        clearEnv: true,
        env: {
          PATH: `${bin}:${Deno.env.get("PATH")}`,
          HOME: home,
          CURL_CA_BUNDLE: cert,
          NO_PROXY: "127.0.0.1",
          ...env,
        },
        stdin: "null",
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
      return { code, stdout: text(stdout), stderr: text(stderr) };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([server.shutdown(), plain.shutdown()]);
      await Deno.remove(home, { recursive: true });
    },
  };
}

async function output(path: string): Promise<string> {
  return new TextDecoder().decode((await new Deno.Command(path).output()).stdout).trim();
}

/** The names in a folder, hidden ones included. */
function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

test("install.sh: downloads, checks, installs and says what is next", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  const { code, stdout, stderr } = await here.install();
  assert.deepEqual([code, stderr], [0, ""]);
  const prefix = join(here.home, ".local");
  assert.match(stdout, new RegExp(`^installed gtr 1.2.3 into ${prefix}/bin\n`));
  assert.match(stdout, new RegExp(`put it on PATH: export PATH="${prefix}/bin:\\$PATH"`));
  assert.match(stdout, /gtr init$/);
  assert.equal(await output(join(prefix, "bin", "gti")), "gtr 1.2.3");
  assert.equal(
    await Deno.readTextFile(join(prefix, "lib", "systemd", "user", "gtd.service")),
    `ExecStart=${prefix}/bin/gtd\n`,
  );
  const record = JSON.parse(
    await Deno.readTextFile(join(prefix, "share", "gtr", "installed.json")),
  );
  assert.deepEqual(record, {
    version: 1,
    folders: [],
    replaced: [],
    files: ["bin/gtd", "bin/gti", "bin/gtr", "lib/systemd/user/gtd.service"],
  });
  assert.deepEqual(names(prefix), ["bin", "lib", "share"]); // nothing of its own is left
});

test("install.sh: a newer release replaces an older one; PREFIX may be anything", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  const prefix = join(here.home, "a & b|c");
  await here.install({ PREFIX: prefix });
  Object.assign(here.files, await release("1.3.0", made));
  await here.has("1.3.0");
  const { code, stdout } = await here.install({ PREFIX: prefix });
  assert.equal(code, 0);
  assert.match(stdout, /^installed gtr 1\.3\.0/);
  assert.match(
    await Deno.readTextFile(join(prefix, "lib", "systemd", "user", "gtd.service")),
    /=.*\/a & b\|c\/bin\/gtd$/m,
  );
});

test("install.sh: what only the installation before had goes, but for bundles", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  const prefix = join(here.home, ".local");
  const path = join(prefix, "share", "gtr", "installed.json");
  const bundle = "lib/gtr/aaaa/gtd.js";
  for (const file of ["bin/old", bundle, "../kept", "share/gtr/installed.json"]) {
    await Deno.mkdir(join(prefix, file, ".."), { recursive: true });
    await Deno.writeTextFile(join(prefix, file), "");
  }
  const before = { version: 1, files: ["bin/old", bundle, "../kept"], folders: [".", "bin"] };
  await Deno.writeTextFile(path, JSON.stringify({ ...before, replaced: [] }, null, 2));
  for (let times = 0; times < 2; times++) {
    assert.deepEqual((await here.install()).stderr, "");
    assert.deepEqual(names(join(prefix, "bin")), ["gtd", "gti", "gtr"]);
    assert.equal(await Deno.readTextFile(join(here.home, "kept")), "");
    assert.equal(await Deno.readTextFile(join(prefix, bundle)), "");
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path)).replaced, [bundle]);
  }
});

test("install.sh: what is not what the sums say is not used, and the old stays", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  await here.install();
  Object.assign(here.files, await release("1.3.0", made));
  await here.has("1.3.0");
  const name = "gtr-1.3.0-linux-x64.tar.gz";
  here.files[name] = new Uint8Array([...here.files[name]!, 0]);
  const { code, stdout, stderr } = await here.install();
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(
    stderr,
    `install: can't use ${name}: it is not what SHA256SUMS says (download it again)`,
  );
  const prefix = join(here.home, ".local");
  assert.equal(await output(join(prefix, "bin", "gtr")), "gtr 1.2.3");
  assert.deepEqual(names(prefix), ["bin", "lib", "share"]);
});

test("install.sh: every failure is one line", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  const says = async (pattern: RegExp, env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await here.install(env);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, pattern);
    assert.equal(stderr.split("\n").length, 1, stderr);
  };
  for (const base of ["ftp://x", here.plain]) {
    await says(/^install: can't download from \S+: GTR_RELEASE has to be an https address$/, {
      GTR_RELEASE: base,
    });
  }
  await says(/^install: can't download .*\/none\/SHA256SUMS: /, {
    GTR_RELEASE: `${here.base}/none`,
  });
  await says(/^install: can't install to PREFIX=here: it has to be an absolute path$/, {
    PREFIX: "here",
  });
  await Deno.writeTextFile(join(here.home, "file"), "");
  await says(/^install: can't install to .*\/file\/x: can't make that folder$/, {
    PREFIX: join(here.home, "file", "x"),
  });
  await here.tool("uname", '[ "$1" = -s ] && echo Linux || echo aarch64');
  await says(/^install: can't install: this release has no gtr-1\.2\.3-linux-arm64\.tar\.gz$/);
  await here.tool("uname", '[ "$1" = -s ] && echo Linux || echo riscv64');
  await says(/^install: can't install on a riscv64: there are releases for x64 and arm64$/);
  await here.tool("uname", "echo Plan9");
  await says(/^install: can't install on Plan9: there are releases for Linux, macOS and Windows$/);
});

test("install.sh: another program of the same name is not overwritten", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  const bin = join(here.home, ".local", "bin");
  await Deno.mkdir(bin, { recursive: true });
  await Deno.writeTextFile(join(bin, "gtr"), "#!/bin/sh\necho 'tr (GNU coreutils) 9.1'\n", {
    mode: 0o755,
  });
  const { code, stderr } = await here.install();
  assert.equal(code, 1);
  assert.match(stderr, /^install: can't install .*\/bin\/gtr: another program is there/);
  assert.deepEqual(names(bin), ["gtr"]);
});

/** What a failed installation says; nothing of the release may have come. */
async function refused(here: Awaited<ReturnType<typeof user>>, env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await here.install(env);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(stderr.split("\n").length, 1, stderr);
  assert.deepEqual(names(here.home).includes(".local") ? names(join(here.home, ".local")) : [], []);
  return stderr;
}

test("install.sh: what the release key hasn't signed is not used", async () => {
  await using made = await keys();
  await using here = await user(made, {});
  const whole = await release("1.2.3", made);
  const not = "install: can't use this release: its SHA256SUMS is not signed by the release key";
  const says = async (files: Files, pattern: string | RegExp) => {
    for (const name of Object.keys(here.files)) delete here.files[name];
    const stderr = await refused({ ...here, files: Object.assign(here.files, files) });
    typeof pattern === "string" ? assert.equal(stderr, pattern) : assert.match(stderr, pattern);
    assert.ok(!here.asked.some((url) => url.endsWith(".tar.gz")), "asked for the archive");
  };
  // Sums of another archive, with the old signature.
  const other = await release("1.2.4", made);
  await says({ ...other, "SHA256SUMS.sig": whole["SHA256SUMS.sig"]! }, not);
  await says({ ...whole, "SHA256SUMS.sig": text("no signature") }, not);
  const { "SHA256SUMS.sig": _, ...unsigned } = whole;
  await says(unsigned, /^install: can't download \S+\/SHA256SUMS\.sig: /);
  // Signed, but by somebody else, or by the release key for another use.
  for (const [key, use] of [[made.stranger, "gtr-release"], [made.release, "file"]] as const) {
    const sums = join(here.home, "SHA256SUMS");
    await Deno.writeFile(sums, whole.SHA256SUMS!);
    await run("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", use, sums);
    await says({ ...whole, "SHA256SUMS.sig": await Deno.readFile(`${sums}.sig`) }, not);
    await Deno.remove(`${sums}.sig`);
  }
});

test("install.sh: an older release, whose signature is valid, is not passed off", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  await here.has("1.3.0");
  assert.equal(
    await refused(here),
    "install: can't install: this release has no gtr-1.3.0-linux-x64.tar.gz",
  );
});

test("install.sh: a redirect away from https is not followed", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  const stderr = await refused(here, { GTR_RELEASE: `${here.base}/plain` });
  assert.match(stderr, /^install: can't download \S+\/plain\/SHA256SUMS: .*rotocol/);
  assert.deepEqual(here.asked, [`${here.base}/plain/SHA256SUMS`]);
});

test("install.sh: without a release key, ssh-keygen or curl, nothing is downloaded", async () => {
  await using made = await keys();
  await using here = await user(made, await release("1.2.3", made));
  const bare = { ...here, script: join(SCRIPTS, "install.sh") };
  assert.equal(
    await refused(bare, { GTR_RELEASE: here.base }),
    "install: can't install: this install.sh is not a release's and knows no release key",
  );
  const tools = join(here.home, "tools");
  for (const name of ["sh", "tar", "sha256sum", "curl"]) {
    const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] })
      .output();
    await Deno.symlink(new TextDecoder().decode(stdout).trim(), join(tools, name));
  }
  assert.equal(
    await refused(here, { PATH: tools }),
    "install: can't check who made the release: ssh-keygen is not installed (it is part of OpenSSH)",
  );
  await Deno.remove(join(tools, "curl"));
  assert.equal(
    await refused(here, { PATH: tools }),
    "install: can't download: curl is not installed",
  );
  assert.deepEqual(here.asked, []);
});

test("sign.sh: signs only with the release key", async () => {
  await using made = await keys();
  await Deno.writeTextFile(join(made.folder, "a.tar.gz"), "a");
  await Deno.writeTextFile(join(made.folder, "SHA256SUMS"), await sums(made.folder));
  const sign = (key: string) =>
    new Deno.Command("sh", { args: [join(made.folder, "sign.sh"), made.folder, key] }).output();
  assert.equal((await sign(made.release)).code, 0);
  const { code, stderr } = await sign(made.stranger);
  assert.equal(code, 1);
  assert.match(new TextDecoder().decode(stderr), /^sign: can't use \S+: it is not a key of /m);
  assert.ok(!names(made.folder).includes("SHA256SUMS.sig"));
});
