import assert from "node:assert/strict";
import { surroundings } from "../../../../../lib/transports/shared/port_mapping/surroundings.ts";

const HOME = { address: "192.168.71.2", netmask: "255.255.255.0" };
const VPN = { address: "10.8.0.6", netmask: "255.255.255.255" };

Deno.test("surroundings: behind the default gateway", () => {
  for (const host of ["0.0.0.0", "::", "192.168.71.2"]) {
    assert.deepEqual(surroundings(host, ["192.168.71.1"], [VPN, HOME]), {
      own: "192.168.71.2",
      gateways: ["192.168.71.1"],
      isKnown: true,
    });
  }
});

Deno.test("surroundings: a guess where the system doesn't tell", () => {
  assert.deepEqual(surroundings("0.0.0.0", undefined, [VPN, HOME]), {
    own: "192.168.71.2",
    gateways: ["192.168.71.1"],
    isKnown: false,
  });
});

Deno.test("surroundings: nobody is asked where no router is between", () => {
  const PUBLIC = { address: "203.0.113.5", netmask: "255.255.255.0" };
  assert.deepEqual(surroundings("0.0.0.0", ["192.168.71.1"], [HOME, PUBLIC]), {});
  for (const host of ["127.0.0.1", "203.0.113.5", "2001:db8::1", "::1"]) {
    assert.deepEqual(surroundings(host, ["192.168.71.1"], [HOME]), {}, host);
  }
});

Deno.test("surroundings: what is in the way", () => {
  const problem = (...args: Parameters<typeof surroundings>) => {
    const found = surroundings(...args);
    return "problem" in found ? found.problem : found;
  };
  assert.match(String(problem("0.0.0.0", [], [HOME])), /no default route/);
  assert.match(String(problem("0.0.0.0", ["192.168.71.1"], [])), /in no network/);
  assert.match(String(problem("0.0.0.0", ["10.9.9.9"], [HOME])), /in no network of this computer/);
  assert.match(String(problem("0.0.0.0", ["192.168.71.2"], [HOME])), /in no network of/);
  assert.match(String(problem("192.168.5.5", ["192.168.71.1"], [HOME])), /in no network/);
});
