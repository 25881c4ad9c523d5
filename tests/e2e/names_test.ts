/**
 * Names at a domain: real git and gtr, and a web server for "localhost" on port 443, which only a
 * network of the test's own has to give.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hasNamespaces, isInside, testInside } from "../interop/namespace.ts";
import { Authority } from "./authority.ts";
import { Node } from "./node.ts";

const NAME = "names: torrent://alice@localhost clones, and a changed key is refused";

/** A certificate for `host` with its key, of an authority that has its files in a node's folder. */
async function issue(authority: Authority, node: Node, host: string) {
  const [cert, key] = [node.path(`${host}.pem`), node.path(`${host}.key`)];
  await authority.certify(`DNS:${host}`, cert, key);
  return { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
}

/** Serves https for "localhost" as `answer` says, until disposed. */
function serve(
  certificate: { cert: string; key: string },
  answer: (request: Request) => Response | Promise<Response>,
): AsyncDisposable {
  const ending = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 443,
    signal: ending.signal,
    onListen() {},
    ...certificate,
  }, answer);
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await server.finished;
    },
  };
}

/** Makes what a user's gtr knows of alice@localhost older than the hour for which it is good. */
async function age(node: Node): Promise<void> {
  const path = join(node.home, "registry.json");
  const file = JSON.parse(await Deno.readTextFile(path));
  file.names["alice@localhost"].confirmed -= 7200;
  await Deno.writeTextFile(path, JSON.stringify(file));
}

async function check(): Promise<void> {
  await using alice = await Node.make("none");
  await alice.share("hello");
  const { id, publicKey } = JSON.parse(await alice.gtr("id", "--json"));
  const authority = await Authority.make(alice);
  const certificate = await issue(authority, alice, "localhost");
  const bootstrap = await alice.dht();
  const reader = (env: Record<string, string> = {}) =>
    Node.make(bootstrap, { DENO_CERT: authority.certificate, ...env });
  await using bob = await reader();
  await using carol = await reader();
  const url = "torrent://alice@localhost/hello";
  const head = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
  const asked: string[] = [];
  const names: Record<string, string> = { alice: publicKey, bob: "00" };
  const document = (request: Request) => {
    asked.push(request.url);
    return Response.json({ names });
  };
  const listRemote = async (node: Node, wanted: RegExp, code = 128) => {
    const outcome = await node.run("git", ["ls-remote", url]);
    assert.match(outcome.stderr, wanted);
    assert.equal(outcome.code, code);
    return outcome;
  };
  // Nobody serves yet.
  await listRemote(bob, /can't look up alice@localhost: can't reach localhost: .*refused/);
  {
    await using _server = serve(certificate, document);
    // First use: the id is shown; then the domain is not asked again.
    const clone = await bob.run("git", ["clone", url, "clone"]);
    assert.equal(clone.code, 0, clone.stderr);
    assert.match(
      clone.stderr,
      new RegExp(`warning: first use of alice@localhost: trusting localhost that it is ${id}\n`),
    );
    assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), head);
    assert.deepEqual(asked, ["https://localhost/.well-known/gtr.json?name=alice"]);
    const pull = await bob.run("git", ["pull"], { cwd: bob.path("clone") });
    assert.deepEqual([pull.code, pull.stderr.includes("warning"), asked.length], [0, false, 1]);

    // An address of no network in particular, in every verb that takes one.
    const anywhere = "gtr://Alice@LocalHost/hello";
    assert.equal(await bob.git("ls-remote", anywhere, "HEAD"), `${head}\tHEAD`);
    await using frank = await reader();
    const first = /^warning: first use of alice@localhost: trusting localhost that it is /m;
    const followed = await frank.run("gtr", ["follow", anywhere]);
    assert.deepEqual([followed.code, first.test(followed.stderr)], [0, true], followed.stderr);
    for (const args of [["who", head, "--repository", anywhere], ["unfollow", anywhere]]) {
      await frank.gtr("daemon", "stop");
      await Deno.remove(join(frank.home, "registry.json"));
      const outcome = await frank.run("gtr", args);
      assert.deepEqual([outcome.code, first.test(outcome.stderr)], [0, true], outcome.stderr);
    }
    const elsewhere = await frank.run("git", ["clone", anywhere, "anywhere"]);
    assert.equal(elsewhere.code, 0, elsewhere.stderr);
    assert.equal(await frank.gitIn(frank.path("anywhere"), "rev-parse", "HEAD"), head);
    asked.length = 1;

    // The pin: gtr's own question, and a name that no longer asks anybody.
    assert.equal(await bob.gtr("name", "import", "Alice@localhost"), id);
    assert.match(await bob.gtr("name", "list"), /^alice +[0-9a-f]{64} +alice@localhost$/m);
    assert.equal(await bob.git("ls-remote", "torrent://alice/hello", "HEAD"), `${head}\tHEAD`);
    assert.equal(asked.length, 2);

    // The domain says another key: refused, by git and by gtr, until it is accepted.
    const { id: bobsId } = JSON.parse(await bob.gtr("id", "--json"));
    names.alice = bobsId;
    await age(bob);
    const changed = new RegExp(`localhost says that it is ${bobsId} now, and it was ${id} since`);
    await listRemote(bob, changed);
    const refused = await bob.run("gtr", ["name", "import", "alice@localhost"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, changed);
    assert.match(refused.stderr, /hint: .*gtr name import --accept-change alice@localhost/);
    assert.equal(await bob.git("ls-remote", "torrent://alice/hello", "HEAD"), `${head}\tHEAD`);
    assert.equal(await bob.gtr("name", "import", "--accept-change", "alice@localhost"), bobsId);
    await bob.gtr("daemon", "stop");

    delete names.alice;
    await listRemote(carol, /can't find alice@localhost: localhost has no such name/);
    names.alice = id; // now by id
    await listRemote(carol, /first use of alice@localhost/, 0);
    await age(carol);
  }
  const answers: [string, () => AsyncDisposable, RegExp][] = [
    [
      "another's certificate",
      () => serve(elsewhere, document),
      /can't reach localhost: .*certificate/,
    ],
    ["a redirect", () => serve(certificate, redirect), /localhost redirects elsewhere/],
    ["silence", () => serve(certificate, silence), /waited \d+ s for an answer from localhost/],
  ];
  const elsewhere = await issue(authority, alice, "example.org");
  const redirect = () => Response.redirect("https://localhost/elsewhere", 302);
  const waiting: ((response: Response) => void)[] = [];
  const silence = () => new Promise<Response>((resolve) => void waiting.push(resolve));
  for (const [what, server, why] of answers) {
    await using dave = await reader({ GTR_NETWORK_TIMEOUT: "3" });
    await using _server = server();
    await carol.gtr("daemon", "stop"); // it would not ask again so soon
    await listRemote(dave, why);
    // Who knows the name goes on, and is told.
    const { stdout, stderr } = await listRemote(carol, why, 0);
    assert.ok(stdout.startsWith(head), what);
    assert.match(stderr, new RegExp(`; using what localhost said on [0-9-]{10}, ${id}\n`), what);
    for (const end of waiting.splice(0)) end(new Response());
  }
  // An authority that nobody has told gtr of is none.
  await using eve = await Node.make(bootstrap);
  await using _server = serve(certificate, document);
  await listRemote(eve, /can't reach localhost: .*certificate/);
}

const able = hasNamespaces() && await new Deno.Command("openssl", { args: ["version"] }).output()
  .then(({ success }) => success, () => false);
Deno.test({
  name: able ? NAME : `${NAME} (needs network namespaces and openssl)`,
  ignore: !able,
  fn: () => isInside() ? check() : testInside(import.meta.url),
});
