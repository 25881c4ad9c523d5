/** A Nostr key with a password: gtd publishes with it once it is unlocked, and nobody sees either. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { encrypt } from "nostr-tools/nip49";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { startBlossom, startRelay } from "../fixtures/nostr/servers.ts";
import { Node, type Outcome, type RunOptions } from "./node.ts";
import { until } from "./until.ts";

const PASSWORD = "open sesame, quickly";

/** A user with an encrypted key, who notes whatever programs say. */
async function setting(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const relay = stack.use(await startRelay());
  const blossom = stack.use(await startBlossom());
  const network = {
    GTR_TRANSPORTS: "nostr",
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_BLOSSOM: blossom.url,
  };
  const user = stack.use(await Node.make("none", { ...network, ...env }));
  const reader = stack.use(await Node.make("none", network));
  const secret = generateSecretKey();
  const locked = encrypt(secret, PASSWORD, 4);
  const npub = npubEncode(getPublicKey(secret));
  const said: string[] = [];
  const run = async (line: string, options?: RunOptions): Promise<Outcome> => {
    const [program, ...args] = line.split(" ") as [string, ...string[]];
    const outcome = await user.run(program, args, options);
    said.push(outcome.stdout, outcome.stderr);
    return outcome;
  };
  /** What was said, and every file of the user's, holds neither password nor key. */
  const checkSecrecy = async () => {
    const files = await textsBelow(user.directory);
    assert([...files.keys()].some((path) => path.endsWith("gtd.log")), "there is a log");
    const secrets = [PASSWORD, "sesame", nsecEncode(secret).slice(5, 40), secret.toHex()];
    for (const one of secrets) {
      for (const text of said) assert(!text.includes(one), `said: ${text}`);
      for (const [path, text] of files) assert(!text.includes(one), path);
    }
  };
  return {
    user,
    reader,
    run,
    locked,
    npub,
    checkSecrecy,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function textsBelow(folder: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) { for (const entry of await textsBelow(path)) texts.set(...entry); }
    if (isFile) texts.set(path, new TextDecoder().decode(await Deno.readFile(path)));
  }
  return texts;
}

Deno.test("nostr unlock: what a locked key holds up is told, and published once it is unlocked", async () => {
  await using s = await setting();
  const { user, reader, run } = s;
  await user.git("config", "--global", "nostr.nsec", s.locked);
  await user.git("config", "--global", "nostr.npub", s.npub);
  await user.git("init", "-q", "hello");
  const first = await user.commit("hello", "readme.txt", "hello\n");
  const hello = { cwd: user.path("hello") };

  const shared = await run("gtr init", hello);
  assert.equal(shared.code, 0);
  const url = shared.stdout.trim();
  assert.match(url, new RegExp(`^nostr://${s.npub}/`));
  const told = /not announced on nostr: .*nostr\.nsec: it is locked \(gtr nostr unlock\)/;
  assert.match(shared.stderr, told);
  await user.gitIn(hello.cwd, "remote", "add", "origin", url);
  const pushed = await run("git push origin HEAD:refs/heads/pushed", hello);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stderr, told);

  const { warnings, transports } = await user.status();
  assert.equal(transports.nostr.key, "locked");
  assert.match(warnings.join("\n"), /it is locked \(gtr nostr unlock\)/);
  const doctor = await run("gtr doctor");
  assert.match(doctor.stdout, /warning network nostr: .*locked.*\nhint: gtr nostr unlock\n/);
  const who = await run("gtr nostr whoami");
  assert.equal(who.stdout, `${s.npub}\n`);
  assert.match(who.stderr, /nostr\.nsec, encrypted and locked\nhint: gtr nostr unlock\n/);

  const nobody = await run("gtr nostr unlock");
  assert.deepEqual([nobody.code, /no password was entered/.test(nobody.stderr)], [2, true]);
  const onCommandLine = await run("gtr nostr unlock x");
  assert.match(onCommandLine.stderr, /hint: never write a password into a command/);
  const wrong = await run("gtr nostr unlock", { stdin: "abracadabra\n" });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /that is not its password/);
  const right = await run("gtr nostr unlock", { stdin: `${PASSWORD}\n` });
  assert.equal(right.code, 0, right.stderr);

  await reader.untilPublished(url, "refs/heads/main", first);
  await reader.untilPublished(url, "refs/heads/pushed", first);
  assert.equal(JSON.parse((await run("gtr nostr whoami --json")).stdout).locked, false);
  assert.equal((await user.status()).transports.nostr.key, undefined);

  // It stays unlocked where the settings are read again, and not where gtd is started again.
  Deno.kill((await user.gtdPid())!, "SIGHUP");
  const second = await user.commit("hello", "second.txt", "two\n");
  await reader.untilPublished(url, "refs/heads/main", second);
  await user.stopGtd();
  await user.gtr("daemon", "start");
  assert.equal((await user.status()).transports.nostr.key, "locked");
  await s.checkSecrecy();
});

Deno.test("nostr unlock: the password tells whose the key is, where git's configuration doesn't", async () => {
  await using s = await setting();
  const { user, reader, run } = s;
  await user.git("config", "--global", "nostr.nsec", s.locked);
  await user.git("init", "-q", "hello");
  const tip = await user.commit("hello", "readme.txt", "hello\n");
  const hello = { cwd: user.path("hello") };
  const shared = await run("gtr init", hello);
  assert.deepEqual([shared.code, shared.stdout], [0, ""], "at no address yet");
  assert.match(shared.stderr, /it is locked \(gtr nostr unlock\)/);
  const who = await run("gtr nostr whoami");
  assert.equal(who.code, 1);
  assert.match(who.stderr, /nostr\.nsec: it is locked\nhint: gtr nostr unlock/);

  assert.equal((await run("gtr nostr unlock", { stdin: `${PASSWORD}\n` })).code, 0);
  assert.equal(await user.git("config", "--global", "nostr.npub"), s.npub);
  assert.equal((await run("gtr nostr whoami")).stdout, `${s.npub}\n`);
  const url = (await run("gtr init", hello)).stdout.trim();
  assert.match(url, new RegExp(`^nostr://${s.npub}/`));
  await reader.untilPublished(url, "refs/heads/main", tip);
  await s.checkSecrecy();
});

Deno.test("nostr unlock: login with an encrypted key unlocks gtd, logout makes it forget the key", async () => {
  await using s = await setting();
  const { user, reader, run } = s;
  const own = await user.share("hello");
  const tip = await user.gitIn(user.path("hello"), "rev-parse", "main");
  const login = await run("gtr nostr login", { stdin: `${s.locked}\n${PASSWORD}\n` });
  assert.equal(login.code, 0, login.stderr);
  const who = await run("gtr nostr whoami");
  assert.match(who.stderr, /encrypted and unlocked/);
  const url = own.replace(/npub1[a-z0-9]+/, s.npub);
  await reader.untilPublished(url, "refs/heads/main", tip);
  assert.equal((await run("gtr nostr unlock", { stdin: `${PASSWORD}\n` })).code, 0, "again");

  assert.equal((await run("gtr nostr logout")).code, 0);
  const next = await user.commit("hello", "second.txt", "two\n");
  await reader.untilPublished(own, "refs/heads/main", next);
  await until("logged out", async () => !(await run("gtr list")).stdout.includes(s.npub));
  const plain = await run("gtr nostr unlock", { stdin: `${PASSWORD}\n` });
  assert.match(plain.stderr, /none is encrypted\nhint: gtr nostr whoami/);
  await s.checkSecrecy();
});

Deno.test("nostr unlock: the service manager's credential unlocks a gtd that starts by itself", async () => {
  const credentials = await Deno.makeTempDir({ prefix: "gtr-credentials-" });
  try {
    await Deno.writeTextFile(join(credentials, "nostr-password"), `${PASSWORD}\n`);
    await using s = await setting({ CREDENTIALS_DIRECTORY: credentials });
    const { user, reader } = s;
    await user.git("config", "--global", "nostr.nsec", s.locked);
    const url = await user.share("hello");
    assert.match(url, new RegExp(`^nostr://${s.npub}/`), "known by the password only");
    const tip = await user.gitIn(user.path("hello"), "rev-parse", "main");
    await reader.untilPublished(url, "refs/heads/main", tip);
    await s.checkSecrecy();
  } finally {
    await Deno.remove(credentials, { recursive: true });
  }
});

Deno.test("nostr unlock: where gtd may not be started, that is said, and nothing hangs", async () => {
  await using s = await setting({ GTR_DAEMON_AUTOSTART: "0" });
  const { user, run } = s;
  await user.git("config", "--global", "nostr.nsec", s.locked);
  await user.git("config", "--global", "nostr.npub", s.npub);
  const { code, stderr } = await run("gtr nostr unlock", { stdin: `${PASSWORD}\n` });
  assert.equal(code, 1);
  assert.match(stderr, /gtd doesn't run\nhint: gtr daemon start, then gtr nostr unlock/);
  await user.git("init", "-q", "hello");
  await user.commit("hello", "readme.txt", "hello\n");
  const shared = await run("gtr init", { cwd: user.path("hello") });
  assert.match(shared.stderr, /it is locked \(gtr nostr unlock\)/);
});
