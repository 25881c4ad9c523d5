import assert from "node:assert/strict";
import fc from "fast-check";
import { gitServerUrl, hostOf } from "../../../lib/common/git_server_url.ts";

Deno.test("git server: one form, in which nobody reads another host", () => {
  const forms: Record<string, string | undefined> = {
    "http://example.com\\@127.0.0.1/": "http://example.com/@127.0.0.1/",
    "https://Example.com:443/a/../b.git": "https://example.com/b.git",
    "http://0x7f.1/x": "http://127.0.0.1/x",
    "git://example.com/x.git": "git://example.com/x.git",
    "git://0x7f.1:9418/x": "git://127.0.0.1:9418/x",
    "git://example.com:80/x": "git://example.com:80/x",
    "git://example.com:0/x": undefined,
    "https://example.com:0/x": undefined,
    "git://[::ffff:127.0.0.1]/x": "git://[::ffff:7f00:1]/x",
    "git://example.com\\@127.0.0.1/x": undefined,
    "git://a@example.com/x": undefined,
    "git://example.com": undefined,
    "http://user:secret@example.com/": undefined,
    "https://example.com/#part": undefined,
    "http://example.com/a\nb": undefined,
    "file:///etc": undefined,
    "ext::sh -c true": undefined,
    "ssh://example.com/x": undefined,
    "": undefined,
  };
  for (const [text, form] of Object.entries(forms)) assert.equal(gitServerUrl(text), form, text);
});

Deno.test("git server: host and port", () => {
  assert.deepEqual(hostOf("https://a.example/x"), { host: "a.example", port: 443 });
  assert.deepEqual(hostOf("http://[::1]:8080/x"), { host: "::1", port: 8080 });
  assert.deepEqual(hostOf("git://a.example/x"), { host: "a.example", port: 9418 });
  assert.deepEqual(hostOf("git://a.example:80/x"), { host: "a.example", port: 80 });
});

Deno.test("git server: any text is a stable form or none", () => {
  const text = fc.oneof(
    fc.webUrl(),
    fc.string(),
    fc.tuple(fc.constantFrom("git://", "http://", "https://"), fc.string()).map((x) => x.join("")),
  );
  fc.assert(fc.property(text, (one) => {
    const form = gitServerUrl(one);
    if (form !== undefined) assert.equal(gitServerUrl(form), form);
  }));
});
