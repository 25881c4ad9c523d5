import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  decodeSsdp,
  encodeSearch,
  locationOf,
} from "../../../../../lib/transports/shared/port_mapping/ssdp.ts";

const message = (...lines: string[]) => Buffer.from([...lines, "", ""].join("\r\n"));
const answer = (location: string) => message("HTTP/1.1 200 OK", `LOCATION: ${location}`);

Deno.test("ssdp: a search", () => {
  const text = Buffer.from(encodeSearch("239.255.255.250", 1900, "urn:x")).toString();
  assert.match(text, /^M-SEARCH \* HTTP\/1\.1\r\n/);
  assert.match(text, /\r\nHOST: 239\.255\.255\.250:1900\r\nMAN: "ssdp:discover"\r\n/);
  assert.match(text, /\r\nST: urn:x\r\n\r\n$/);
});

Deno.test("ssdp: what devices say", () => {
  assert.deepEqual(decodeSsdp(answer("http://192.168.1.1:5000/x")), {
    kind: "answer",
    location: "http://192.168.1.1:5000/x",
    boot: undefined,
  });
  const gone = message("NOTIFY * HTTP/1.1", "NTS: ssdp:byebye", "BOOTID.UPNP.ORG: 7");
  assert.deepEqual(decodeSsdp(gone), { kind: "byebye", location: undefined, boot: "7" });
  for (
    const wrong of [
      message("HTTP/1.1 404 Not Found"),
      message("M-SEARCH * HTTP/1.1"),
      message("NOTIFY * HTTP/1.1", "NTS: upnp:propchange"),
      Buffer.alloc(5000, "a"),
    ]
  ) assert.equal(decodeSsdp(wrong), undefined);
});

Deno.test("ssdp: a description is only fetched from who told of it", () => {
  const at = (location: string) => locationOf(decodeSsdp(answer(location))!, "192.168.1.1")?.href;
  assert.equal(at("http://192.168.1.1:5000/desc.xml"), "http://192.168.1.1:5000/desc.xml");
  for (
    const elsewhere of [
      "http://192.168.1.2:5000/",
      "http://127.0.0.1/",
      "http://localhost/",
      "http://192.168.1.1.example.org/",
      "http://192.168.1.1@evil.example/",
      "http://user:word@192.168.1.1/",
      "https://192.168.1.1/",
      "file:///etc/passwd",
      "//192.168.1.1/",
      `http://192.168.1.1/${"a".repeat(600)}`,
      "",
    ]
  ) assert.equal(at(elsewhere), undefined, elsewhere);
});

Deno.test("ssdp: any bytes are read without a fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
    const said = decodeSsdp(bytes);
    if (said) locationOf(said, "192.168.1.1");
  }));
});
