/** The installer of releases, with a release that a server on loopback has. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tar } from "../../../scripts/release/tar.ts";

const SCRIPT = join(import.meta.dirname!, "..", "..", "..", "scripts", "install.sh");
const DATE = 1_800_000_000;

const NEEDS = ["tar", "curl"];
const there = await Promise.all(NEEDS.map(async (name) => {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).output();
  return success;
}));
const missing = NEEDS.find((_, i) => !there[i]);

/** A test of the installer, which is ignored where it can't download or unpack. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: missing ? `${name} (needs ${missing})` : name, ignore: !!missing, fn });
}

/** A release for linux-x64 whose programs only tell their version. */
async function release(version: string): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const folder = `gtr-${version}-linux-x64`;
  const text = (content: string) => new TextEncoder().encode(content);
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
  return {
    SHA256SUMS: text(
      `${"0".repeat(64)}  gtr-${version}-macos-x64.tar.gz\n${hash}  ${folder}.tar.gz\n`,
    ),
    [`${folder}.tar.gz`]: archive,
  };
}

/** A user with a home, who downloads from `files`. */
async function user(files: Record<string, Uint8Array<ArrayBuffer>>) {
  const home = await Deno.realPath(await Deno.makeTempDir());
  const bin = join(home, "tools");
  await Deno.mkdir(bin);
  const tool = (name: string, text: string) =>
    Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await tool("uname", '[ "$1" = -s ] && echo Linux || echo x86_64');
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const file = files[new URL(request.url).pathname.slice(1)];
    return file ? new Response(file) : new Response("no", { status: 404 });
  });
  return {
    home,
    files,
    tool,
    base: `http://127.0.0.1:${server.addr.port}`,
    async install(env: Record<string, string> = {}) {
      const { code, stdout, stderr } = await new Deno.Command("sh", {
        args: [SCRIPT],
        clearEnv: true,
        env: {
          PATH: `${bin}:${Deno.env.get("PATH")}`,
          HOME: home,
          GTR_RELEASE: this.base,
          NO_PROXY: "127.0.0.1",
          ...env,
        },
        stdin: "null",
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
      return { code, stdout: text(stdout), stderr: text(stderr) };
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
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
  await using here = await user(await release("1.2.3"));
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
  await using here = await user(await release("1.2.3"));
  const prefix = join(here.home, "a & b|c");
  await here.install({ PREFIX: prefix });
  Object.assign(here.files, await release("1.3.0"));
  const { code, stdout } = await here.install({ PREFIX: prefix });
  assert.equal(code, 0);
  assert.match(stdout, /^installed gtr 1\.3\.0/);
  assert.match(
    await Deno.readTextFile(join(prefix, "lib", "systemd", "user", "gtd.service")),
    /=.*\/a & b\|c\/bin\/gtd$/m,
  );
});

test("install.sh: what is not what the sums say is not used, and the old stays", async () => {
  await using here = await user(await release("1.2.3"));
  await here.install();
  Object.assign(here.files, await release("1.3.0"));
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
  await using here = await user(await release("1.2.3"));
  const says = async (pattern: RegExp, env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await here.install(env);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, pattern);
    assert.equal(stderr.split("\n").length, 1, stderr);
  };
  await says(/^install: can't download from ftp:\/\/x: GTR_RELEASE has to be an https address$/, {
    GTR_RELEASE: "ftp://x",
  });
  await says(/^install: can't install to PREFIX=here: it has to be an absolute path$/, {
    PREFIX: "here",
  });
  await Deno.writeTextFile(join(here.home, "file"), "");
  await says(/^install: can't install to .*\/file\/x: can't make that folder$/, {
    PREFIX: join(here.home, "file", "x"),
  });
  await says(/^install: can't download .*\/none\/SHA256SUMS: /, {
    GTR_RELEASE: `${here.base}/none`,
  });
  await here.tool("uname", '[ "$1" = -s ] && echo Linux || echo aarch64');
  await says(/^install: can't install: this release has nothing for linux-arm64$/);
  await here.tool("uname", '[ "$1" = -s ] && echo Linux || echo riscv64');
  await says(/^install: can't install on a riscv64: there are releases for x64 and arm64$/);
  await here.tool("uname", "echo Plan9");
  await says(/^install: can't install on Plan9: there are releases for Linux, macOS and Windows$/);
});

test("install.sh: another program of the same name is not overwritten", async () => {
  await using here = await user(await release("1.2.3"));
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
