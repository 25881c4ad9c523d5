/** A machine whose packets lead nowhere, nor are answered: gtr works there, and sends none. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { hasNamespaces, HOST, isInside, testInside } from "../interop/namespace.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

Deno.test({
  name: "nothing is sent out that need not be, not even to the DNS (needs network namespaces)",
  ignore: !hasNamespaces(),
  fn: () => isInside() ? run() : testInside(import.meta.url),
});

async function run(): Promise<void> {
  await using alice = await Node.make("none");
  const router = HOST.replace(/\d+$/, "254"); // nobody has this address
  const { code, stderr } = await alice.run("ip", ["route", "add", "default", "via", router]);
  assert.equal(code, 0, stderr);
  // Who has the router's address is asked as soon as there is a packet for it.
  const asked = async () => (await alice.run("ip", ["neigh", "show", "dev", "v0"])).stdout;

  await using bob = await Node.make(await alice.dht());
  const url = await alice.share("hello");
  await bob.git("clone", "-q", url, "copy");
  const next = await alice.commit("hello", "next.txt", "next\n");
  await bob.untilPublished(url, "refs/heads/main", next);
  await bob.gitIn(bob.path("copy"), "pull", "-q");
  assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), next);
  await bob.gtr("follow", url);
  await bob.gtr("status");
  await alice.stopGtd();
  assert.equal(await asked(), "");

  const socket = createSocket("udp4");
  socket.send("x", 9, "192.0.2.1");
  await until("a packet that is sent out is seen", async () => (await asked()).includes(router));
  socket.close();
}
