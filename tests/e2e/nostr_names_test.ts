/**
 * Names at a domain in addresses of Nostr (NIP-05): real git, a real relay, and a web server for the
 * domain on port 443, which only a network of the test's own has to give.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { npubEncode } from "nostr-tools/nip19";
import { startBlossom, startRelay } from "../fixtures/nostr/servers.ts";
import { hasNamespaces, isInside, testInside } from "../interop/namespace.ts";
import { Authority } from "./authority.ts";
import { Node } from "./node.ts";

const NAME = "nostr names: a key that the domain changes is refused until it is trusted";
const DOMAIN = "names.example";
const WHO = `dan@${DOMAIN}`;

/** Has a name lead to this machine, for this process and its children: the namespace's mounts are ours. */
async function leadHere(hosts: string): Promise<void> {
  await Deno.writeTextFile(hosts, `127.0.0.1 localhost ${DOMAIN}\n`);
  const args = ["--bind", hosts, "/etc/hosts"];
  const { success } = await new Deno.Command("mount", { args }).output();
  assert(success);
}

async function check(): Promise<void> {
  await using relay = await startRelay();
  await using blossom = await startBlossom();
  const env = {
    GTR_TRANSPORTS: "nostr",
    GTR_NOSTR_RELAYS: relay.url,
    GTR_NOSTR_BLOSSOM: blossom.url,
  };
  await using alice = await Node.make("none", env);
  await alice.share("hello");
  const { publicKey } = JSON.parse(await alice.gtr("nostr", "whoami", "--json"));
  const head = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
  const authority = await Authority.make(alice);
  await using bob = await Node.make("none", { ...env, DENO_CERT: authority.certificate });
  await leadHere(bob.path("hosts"));
  const [cert, key] = [bob.path("domain.pem"), bob.path("domain.key")];
  await authority.certify(`DNS:${DOMAIN}`, cert, key);

  const names = { dan: publicKey };
  await using _server = Deno.serve({
    hostname: "127.0.0.1",
    port: 443,
    onListen() {},
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  }, () => Response.json({ names }));
  const url = `nostr://${WHO}/hello`;
  const clone = await bob.run("git", ["clone", url, "clone"]);
  assert.equal(clone.code, 0, clone.stderr);
  const first = `warning: first use of ${WHO}: trusting ${DOMAIN} that it is ${
    npubEncode(publicKey)
  }`;
  assert(clone.stderr.includes(first), clone.stderr);
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), head);

  names.dan = "7e".repeat(32);
  const path = join(bob.home, "registry.json");
  const file = JSON.parse(await Deno.readTextFile(path));
  file.names[`nostr:${WHO}`].confirmed -= 7200; // as if it were two hours later
  await Deno.writeTextFile(path, JSON.stringify(file));
  const pull = await bob.run("git", ["pull"], { cwd: bob.path("clone") });
  assert.notEqual(pull.code, 0);
  assert.match(pull.stderr, new RegExp(`${DOMAIN} says that it is ${npubEncode(names.dan)} now`));
  assert.match(pull.stderr, new RegExp(`hint: .*gtr nostr trust ${WHO}`));

  assert.equal(await bob.gtr("nostr", "trust", WHO), npubEncode(names.dan));
  const other = await bob.run("git", ["pull"], { cwd: bob.path("clone") });
  assert.match(other.stderr, /knows no repository of this name by this key/);
  names.dan = publicKey;
  assert.equal(await bob.gtr("nostr", "trust", WHO), npubEncode(publicKey));
  await bob.gitIn(bob.path("clone"), "pull", "-q");
}

const able = hasNamespaces() && await new Deno.Command("openssl", { args: ["version"] }).output()
  .then(({ success }) => success, () => false);
Deno.test({
  name: able ? NAME : `${NAME} (needs network namespaces and openssl)`,
  ignore: !able,
  fn: () => isInside() ? check() : testInside(import.meta.url),
});
