/** Asking a firewall to let connections over IPv6 through. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { PcpRouter } from "../../../../../lib/transports/shared/port_mapping/gateway_routers.ts";
import { surroundings6 } from "../../../../../lib/transports/shared/port_mapping/surroundings.ts";
import { HASTY, pcpAnswer, WISH } from "./test_router.ts";

const OWN = "::1";

/** Asks a router whose answers have these changes; what is made of it, and what was dropped. */
async function ask(changes: Record<number, readonly number[]>) {
  const socket = createSocket("udp6");
  socket.bind(0, OWN);
  await once(socket, "listening");
  socket.on("message", (request, { address, port }) => {
    const same = { 44: [...request.subarray(8, 24)] };
    socket.send(pcpAnswer(request, { ...same, ...changes }), port, address);
  });
  const dropped: string[] = [];
  const { triesMs } = HASTY;
  const gateway = { address: OWN, port: socket.address().port, own: OWN, triesMs };
  const events = { dropped: (reason: string) => void dropped.push(reason), restarted: () => {} };
  try {
    const mapped = await new PcpRouter(gateway, events).map(WISH, AbortSignal.timeout(20_000))
      .catch((error) => error.code);
    return { mapped, dropped };
  } finally {
    socket.close();
  }
}

Deno.test("pinholes: a router that lets through what was asked for is believed, and no other", async () => {
  const right = { host: OWN, port: WISH.inside, seconds: 3600 };
  assert.deepEqual(await ask({}), { mapped: right, dropped: [] });
  const lies = { mapped: "no-port-mapping", dropped: ["bad-router-answer"] };
  assert.deepEqual(await ask({ 59: [2] }), lies, "another address");
  assert.deepEqual(await ask({ 54: [0xff, 0xff, 198, 51, 99, 21] }), lies, "one of IPv4");
  assert.deepEqual(await ask({ 42: [0, 80] }), lies, "another port");
  assert.deepEqual(await ask({ 4: [0, 0, 0, 0] }), lies, "for no time");
});

Deno.test("pinholes: which router is asked, for which address", () => {
  const addresses = [
    { address: "2001:db9::2", link: "eth0" },
    { address: "2001:db9::3", link: "wlan0" },
  ];
  const ask = (host: string, n: number, ...gateways: string[]) =>
    surroundings6(host, n, gateways, addresses);
  const known = (own: string, gateway: string) => ({ own, gateways: [gateway], isKnown: true });
  assert.deepEqual(ask("::", 0, "fe80::1%eth0"), known("2001:db9::2", "fe80::1%eth0"));
  assert.deepEqual(ask("::", 1, "fe80::1%eth0", "2001:db9::1%wlan0"), {
    ...known("2001:db9::3", "2001:db9::1"),
  });
  assert.deepEqual(ask("2001:db9::3", 0, "fe80::1%wlan0"), known("2001:db9::3", "fe80::1%wlan0"));
  for (
    const [host, n, gateway] of [["::", 2, "fe80::1%eth0"], ["::", 1, "fe80::1%eth0"]] as const
  ) {
    assert.deepEqual(ask(host, n, gateway), {});
  }
  assert.deepEqual(ask("0.0.0.0", 0, "fe80::1%eth0"), {});
});
