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
});

Deno.test("endpoints: what is none", () => {
  for (
    const text of ["", ":1", "a:", "a:65536", "a/b", "user@a", "a b", "a:1:2", "[::1]:1", "a\n"]
  ) {
    assert.equal(parseEndpoint(text), undefined, JSON.stringify(text));
  }
});
