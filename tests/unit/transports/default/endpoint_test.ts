import assert from "node:assert/strict";
import { formatEndpoint, parseEndpoint } from "../../../../lib/transports/default/endpoint.ts";

Deno.test("endpoints: host, port, and who runs it", () => {
  const id = "ab".repeat(20);
  assert.deepEqual(parseEndpoint("Example.org"), {
    host: "example.org",
    port: 443,
    operator: undefined,
  });
  assert.deepEqual(parseEndpoint(`${id}@127.0.0.1:8443`), {
    host: "127.0.0.1",
    port: 8443,
    operator: id,
  });
  assert.equal(formatEndpoint(parseEndpoint("example.org")!), "example.org:443");
  assert.equal(parseEndpoint("a:65535")?.port, 65535);
  assert.equal(parseEndpoint(`${"ab".repeat(32)}@a`)?.operator, "ab".repeat(32));
});

Deno.test("endpoints: IPv6 addresses, in brackets and in one form", () => {
  assert.deepEqual(parseEndpoint("[::1]:8443"), { host: "::1", port: 8443, operator: undefined });
  assert.equal(formatEndpoint(parseEndpoint("[2001:DB8:0:0::1]")!), "[2001:db8::1]:443");
});

Deno.test("endpoints: what is none", () => {
  for (
    const text of [
      "",
      ":1",
      "a:",
      "a:65536",
      "a/b",
      "user@a",
      "a b",
      "a:1:2",
      "::1",
      "[::1",
      "[::1]1",
      "[::g]:1",
      "[1]",
      "[a.b]",
      "[::1%lo]",
      "a\n",
    ]
  ) {
    assert.equal(parseEndpoint(text), undefined, JSON.stringify(text));
  }
});
