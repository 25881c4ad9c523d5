/** `gtr nostr login`, `logout` and `whoami`, as a person types them. */
import assert from "node:assert/strict";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { encrypt } from "nostr-tools/nip49";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { startBlossom, startRelay } from "../fixtures/nostr/servers.ts";
import { Node } from "./node.ts";

function key() {
  const secret = generateSecretKey();
  const publicKey = getPublicKey(secret);
  return { secret, publicKey, nsec: nsecEncode(secret), npub: npubEncode(publicKey) };
}

Deno.test("nostr login: a key from a pipe is git's, until logout; whoami says whose it is", async () => {
  await using user = await Node.make("none");
  const own = await user.run("gtr", ["nostr", "whoami"]);
  assert.match(own.stdout, /^npub1[a-z0-9]{58}\n$/);
  assert.match(own.stderr, /comes of gtr's own identity/);

  const { nsec, npub, publicKey } = key();
  const login = await user.run("gtr", ["nostr", "login"], { stdin: `${nsec}\n` });
  assert.deepEqual([login.code, login.stdout], [0, `${npub}\n`]);
  assert.match(login.stderr, /in plain text/);
  assert(!login.stderr.includes(nsec));
  assert.equal(await user.git("config", "--global", "nostr.nsec"), nsec);
  assert.equal(await user.git("config", "--global", "user.name"), "Test");
  const who = JSON.parse(await user.gtr("nostr", "whoami", "--json"));
  assert.deepEqual(who, { npub, publicKey, source: "nostr.nsec" });

  await user.gtr("nostr", "logout");
  assert.equal(await user.gtr("nostr", "whoami"), own.stdout.trim());
  assert.equal((await user.run("git", ["config", "--global", "nostr.npub"])).code, 1);
  assert.equal(await user.gtdPid(), undefined, "none of it needs gtd");
});

Deno.test("nostr login: an encrypted key stays encrypted; its password is asked for", async () => {
  await using user = await Node.make("none");
  const { secret, npub } = key();
  const locked = encrypt(secret, "open sesame", 4);
  const wrong = await user.run("gtr", ["nostr", "login"], { stdin: `${locked}\nabracadabra\n` });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /that is not its password/);
  assert(!wrong.stderr.includes("abracadabra") && !wrong.stderr.includes(locked));
  const { stdout } = await user.run("gtr", ["nostr", "login"], {
    stdin: `${locked}\nopen sesame\n`,
  });
  assert.equal(stdout, `${npub}\n`);
  assert.equal(await user.git("config", "--global", "nostr.nsec"), locked);
  assert.equal(await user.gtr("nostr", "whoami"), npub, "without the password");
});

Deno.test("nostr login: no key, a wrong one, or one on the command line", async () => {
  await using user = await Node.make("none");
  const { nsec } = key();
  const told = await user.run("gtr", ["nostr", "login", nsec]);
  assert.equal(told.code, 2);
  assert.match(told.stderr, /hint: never write a key into a command/);
  assert(!told.stderr.includes(nsec));
  for (const stdin of ["", "\n", "nsec1wrong\n", "npub1wrong\n", "bunker://x\n"]) {
    const { code, stderr } = await user.run("gtr", ["nostr", "login"], { stdin });
    assert.equal(code, 2, stderr);
    assert(!/nsec1wrong|npub1wrong/.test(stderr), stderr);
  }
  assert.equal((await user.run("git", ["config", "--global", "nostr.nsec"])).code, 1);
});

Deno.test("nostr login: gtd publishes with the key, from now on", async () => {
  await using relay = await startRelay();
  await using blossom = await startBlossom();
  await using user = await Node.make("none", {
    GTR_TRANSPORTS: "nostr",
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_BLOSSOM: blossom.url,
  });
  await user.gtr("daemon", "start");
  const { nsec, npub } = key();
  const login = await user.run("gtr", ["nostr", "login"], { stdin: nsec });
  assert.equal(login.code, 0, login.stderr);
  const url = await user.share("hello");
  assert.match(url, new RegExp(`^nostr://${npub}/`));
  await user.git("clone", "-q", url, "clone");
  assert.equal(await Deno.readTextFile(user.path("clone", "readme.txt")), "hello\n");
});

Deno.test("nostr login: what is typed at a terminal is not shown", async () => {
  await using user = await Node.make("none");
  const { nsec, npub } = key();
  const child = new Deno.Command("script", {
    args: ["-qec", "gtr nostr login", "/dev/null"],
    env: user.env,
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const keyboard = child.stdin.getWriter();
  let shown = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const before = shown;
    shown += text;
    const asked = (screen: string) => screen.includes("bunker://...): ");
    if (asked(shown) && !asked(before)) {
      await keyboard.write(new TextEncoder().encode(`x\x7f${nsec}\n`));
    }
  }
  assert.equal((await child.status).code, 0, shown);
  await keyboard.close().catch(() => {});
  assert(shown.includes(npub) && !shown.includes(nsec), shown);
  assert.equal(await user.git("config", "--global", "nostr.nsec"), nsec);
});
