/** Routers, and strangers in their name, that answer nonsense: nothing of it is believed. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import {
  bound,
  description,
  fault,
  HASTY,
  HOST,
  natPmpAnswers,
  OUTSIDE,
  pcpAnswer,
  result,
  type Script,
  TestRouter,
  type Web,
  WISH,
} from "./test_router.ts";

/** No gateway answers, and what is found by UPnP may take its time. */
const BY_UPNP = { ...HASTY, searchMs: 10_000 };
const wait = () => AbortSignal.timeout(60_000);

/** A router that maps ports by UPnP. */
const honest: Web = (action) => {
  if (action === "") return description();
  if (action === "GetExternalIPAddress") {
    return result(action, { NewExternalIPAddress: OUTSIDE });
  }
  return action === "GetSpecificPortMappingEntry" ? fault(714) : result(action);
};

async function refusal(router: TestRouter): Promise<string> {
  let message = "";
  await assert.rejects(router.mapper.map(WISH, wait()), (error: Error) => {
    assert.ok(error instanceof NetworkError && error.code === "no-port-mapping", String(error));
    message = error.message;
    return true;
  });
  return message;
}

Deno.test("a router that says no to one protocol is asked by the next one", async () => {
  const script = { gateway: natPmpAnswers, locations: ["{web}/desc"], web: honest };
  await using router = await TestRouter.open(script, BY_UPNP);
  const { host, port, by } = await router.mapper.map(WISH, wait());
  assert.deepEqual({ host, port, by }, { host: OUTSIDE, port: 6881, by: "NAT-PMP" });
  router.script = { ...script, gateway: () => [] };
  assert.equal((await router.mapper.map(WISH, wait())).by, "UPnP", "it has changed its mind");
  assert.deepEqual([...router.dropped], []);
});

const LIES: Record<string, Record<number, readonly number[]>> = {
  "another nonce": { 24: [1, 2, 3] },
  "another protocol": { 36: [17] },
  "another port here": { 40: [0, 1] },
  "no lifetime": { 4: [0, 0, 0, 0] },
  "port 0 outside": { 42: [0, 0] },
  "a loopback address outside": { 56: [127, 0, 0, 1] },
  "a multicast address outside": { 56: [239, 1, 1, 1] },
  "no address outside": { 56: [0, 0, 0, 0] },
  "an IPv6 address outside": { 44: [0x20, 1] },
};

for (const [what, changes] of Object.entries(LIES)) {
  Deno.test(`PCP with ${what} is not believed`, async () => {
    await using router = await TestRouter.open({
      gateway: (request) => request[0] === 2 ? [pcpAnswer(request, changes)] : [],
    }, HASTY);
    await refusal(router);
    assert.ok(router.dropped.get("bad-router-answer")! > 0);
  });
}

Deno.test("an absurd lifetime of PCP is taken, and asked for again in time all the same", async () => {
  await using router = await TestRouter.open({
    gateway: (request) => [pcpAnswer(request, { 4: [255, 255, 255, 255] })],
  });
  assert.equal((await router.mapper.map(WISH, wait())).seconds, 2 ** 32 - 1);
});

Deno.test({
  name: "answers of strangers are not a router's, however many",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const stranger = await bound();
    await using router = await TestRouter.open({}, HASTY);
    const asked = Promise.withResolvers<Buffer>();
    router.script = { gateway: (request) => (asked.resolve(request), []) };
    const mapping = refusal(router);
    const request = await asked.promise;
    // Whoever is on this machine can find out the port that it asks from; here all of them are tried.
    const ports = await listening();
    for (let i = 0; i < 100; i++) {
      for (const port of ports) stranger.send(pcpAnswer(request), port, HOST);
    }
    await mapping;
    assert.ok(router.dropped.get("strangers-router-answer")! > 0);
    stranger.close();
  },
});

/** UDP ports of this process on loopback. */
async function listening(): Promise<number[]> {
  const text = await Deno.readTextFile("/proc/net/udp");
  return text.split("\n").flatMap((line) => {
    const [, port] = /^\s*\d+: 0100007F:([0-9A-F]{4}) /.exec(line) ?? [];
    return port ? [parseInt(port, 16)] : [];
  });
}

const UPNP_LIES: Record<string, Script> = {
  "a description at another host": { locations: ["http://192.0.2.1/desc", "http://localhost/"] },
  "a description that is no XML": { web: () => new Response("nonsense") },
  "an XML bomb": {
    web: () => description("/ctl", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'),
  },
  "a redirect": { web: () => Response.redirect("http://127.0.0.1:1/") },
  "calls to another host": { web: () => description("http://192.0.2.1/ctl") },
  "a description without an end": { web: () => new Response(endless()) },
  "an answer without an end": {
    web: (action) => action === "" ? description() : new Response(endless()),
  },
  "a loopback address outside": {
    web: (action, body) =>
      action === "GetExternalIPAddress"
        ? result(action, { NewExternalIPAddress: HOST })
        : honest(action, body),
  },
  "a name for its address outside": {
    web: (action, body) =>
      action === "GetExternalIPAddress"
        ? result(action, { NewExternalIPAddress: "evil.example" })
        : honest(action, body),
  },
  "answers to what nobody asked": {
    web: (action) => action === "" ? description() : result("Other"),
  },
  "only errors": { web: (action) => action === "" ? description() : fault(501) },
};

for (const [what, script] of Object.entries(UPNP_LIES)) {
  Deno.test(`UPnP with ${what} is not believed`, async () => {
    await using router = await TestRouter.open({ locations: ["{web}/desc"], ...script }, HASTY);
    const message = await refusal(router);
    assert.match(message, /^the router at 127\.0\.0\.1 maps no ports?: /);
    assert.ok(router.calls.length < 20, router.calls.join());
  });
}

/** Bytes for as long as they are read. */
function endless(): ReadableStream<Uint8Array> {
  const part = new TextEncoder().encode("<a>".repeat(5000));
  return new ReadableStream({ pull: (controller) => controller.enqueue(part) });
}

Deno.test("a flood of UPnP routers: a few are asked", async () => {
  const locations = Array.from({ length: 500 }, (_, i) => `{web}/desc${i}`);
  await using router = await TestRouter.open(
    { locations, web: () => new Response("nonsense") },
    { ...HASTY, searchMs: 2000 },
  );
  await refusal(router);
  assert.equal(router.calls.length, 4);
  assert.ok(router.dropped.get("router-flood")! > 100);
});

Deno.test("UPnP: a port that is mapped to another is left to it, and one's own is taken over", async () => {
  const entries: Record<string, [string, string]> = {
    "6881": ["192.168.71.9", "6881"],
    "20001": [HOST, "6881"],
  };
  const added: string[] = [];
  await using router = await TestRouter.open({
    locations: ["{web}/desc"],
    web: (action, body) => {
      const port = /<NewExternalPort>(\d+)</.exec(body)?.[1] ?? "";
      if (action === "AddPortMapping") added.push(port);
      const entry = entries[port];
      return action === "GetSpecificPortMappingEntry" && entry
        ? result(action, { NewInternalClient: entry[0], NewInternalPort: entry[1] })
        : honest(action, body);
    },
  }, BY_UPNP);
  assert.equal((await router.mapper.map(WISH, wait())).port, 20_001);
  assert.deepEqual(added, ["20001"]);
});

Deno.test("UPnP: a router that knows no leases maps until the end", async () => {
  await using router = await TestRouter.open({
    locations: ["{web}/desc"],
    web: (action, body) =>
      action === "AddPortMapping" && !body.includes("<NewLeaseDuration>0<")
        ? fault(725)
        : honest(action, body),
  }, BY_UPNP);
  assert.equal((await router.mapper.map(WISH, wait())).seconds, undefined);
});

Deno.test("UPnP: a router with room for none is asked for a few ports", async () => {
  await using router = await TestRouter.open({
    locations: ["{web}/desc"],
    web: (action, body) => action === "AddPortMapping" ? fault(718) : honest(action, body),
  }, HASTY);
  assert.match(await refusal(router), /mapped to another computer/);
  assert.equal(router.calls.filter((call) => call === "AddPortMapping").length, 3);
});

Deno.test("a router that doesn't answer: one line says so, and nobody waits for it twice", async () => {
  let asked = 0;
  await using router = await TestRouter.open({ gateway: () => (asked++, []) }, HASTY);
  assert.match(await refusal(router), /answers neither PCP, NAT-PMP nor UPnP/);
  const before = asked;
  await refusal(router);
  assert.equal(asked, before);
});

Deno.test("asking ends with its signal", async () => {
  await using router = await TestRouter.open({ locations: ["{web}/desc"] });
  const stop = new AbortController();
  router.script = { gateway: () => (stop.abort(new Error("stopped")), []) };
  await assert.rejects(router.mapper.map(WISH, stop.signal), /stopped/);
});
