import assert from "node:assert/strict";
import {
  defaultGateways,
  readLinuxRoutes,
  readLinuxRoutes6,
  readNetstat,
} from "../../../lib/git_interface/default_gateways.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";

Deno.test("default gateways: of Linux, the preferred one first", () => {
  const text = [
    HEAD,
    "wlan0\t00000000\t0147A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0",
    "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
    "tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0", // no gateway
    "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0", // half of everywhere
    "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0",
    "",
  ].join("\n");
  assert.deepEqual(readLinuxRoutes(text), ["192.168.1.1", "192.168.71.1"]);
  assert.deepEqual(readLinuxRoutes(HEAD + "\n"), []);
  assert.deepEqual(readLinuxRoutes("no table"), []);
});

Deno.test("default gateways: of macOS", () => {
  const text = `Routing tables

Internet:
Destination        Gateway            Flags           Netif Expire
default            192.168.1.1        UGScg             en0
default            link#20            UCSIg        bridge100      !
127                127.0.0.1          UCS               lo0
`;
  assert.deepEqual(readNetstat(text), ["192.168.1.1"]);
});

Deno.test({
  name: "default gateways: of this machine, by git",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const found = await defaultGateways(AbortSignal.timeout(60_000));
    assert.ok(Array.isArray(found));
    for (const gateway of found) {
      assert.match(gateway, /^(?:\d+\.\d+\.\d+\.\d+|[\da-f:]+%[\w.-]+)$/);
    }
  },
});

Deno.test("gateways: of Linux for IPv6, the cheapest first, with its link", () => {
  const none = "0".repeat(32);
  const line = (to: string, length: string, gateway: string, metric: string, flags: string) =>
    `${to} ${length} ${none} 00 ${gateway} ${metric} 00000001 00000000 ${flags}     eth0`;
  const one = "fe80000000000000000000000000000a";
  const two = "26077700000100000000000000000001";
  const text = [
    line(none, "00", one, "00000400", "00450003"),
    line(none, "00", two, "00000100", "00000003"),
    line(two, "40", none, "00000100", "00000001"),
    line(none, "00", none, "ffffffff", "00200200"),
    "0 0",
    "Iface\tDestination",
    "",
  ].join("\n");
  assert.deepEqual(readLinuxRoutes6(text), ["2607:7700:1::1%eth0", "fe80::a%eth0"]);
});
