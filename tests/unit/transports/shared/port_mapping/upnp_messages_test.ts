import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeCallAnswer,
  encodeCall,
  readDescription,
} from "../../../../../lib/transports/shared/port_mapping/upnp_messages.ts";
import { leaves } from "../../../../../lib/transports/shared/port_mapping/xml.ts";

const LOCATION = new URL("http://192.168.1.1:5000/desc/root.xml");
const WAN = "urn:schemas-upnp-org:service:WANIPConnection:1";

const service = (type: string, control: string) =>
  `<service><serviceType>${type}</serviceType><controlURL>${control}</controlURL></service>`;
const description = (services: string, base = "") =>
  `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">${base}<device><deviceList>
  <device><serviceList>${services}</serviceList></device></deviceList></device></root>`;
const controls = (services: string, base = "") =>
  readDescription(description(services, base), LOCATION)?.map(({ control }) => control.href);

Deno.test("upnp: the services that map ports", () => {
  const services = service("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/l3") +
    service(WAN, "/ctl/IPConn") + service("urn:schemas-upnp-org:service:WANPPPConnection:1", "ppp");
  assert.deepEqual(controls(services), [
    "http://192.168.1.1:5000/ctl/IPConn",
    "http://192.168.1.1:5000/desc/ppp",
  ]);
  assert.deepEqual(controls(service(WAN, "ctl"), "<URLBase>http://192.168.1.1:80/</URLBase>"), [
    "http://192.168.1.1/ctl",
  ]);
});

Deno.test("upnp: nobody else is called", () => {
  for (
    const control of [
      "http://127.0.0.1:22/",
      "http://192.168.1.2/ctl",
      "https://192.168.1.1/ctl",
      "//evil.example/ctl",
      "file:///dev/zero",
      "http://[",
    ]
  ) assert.deepEqual(controls(service(WAN, control)), [], control);
  const elsewhere = "<URLBase>http://192.168.1.9/</URLBase>";
  assert.deepEqual(controls(service(WAN, "/ctl"), elsewhere), ["http://192.168.1.1:5000/ctl"]);
});

Deno.test("upnp: a few services of many", () => {
  assert.equal(controls(service(WAN, "/ctl").repeat(500))?.length, 4);
});

Deno.test("upnp: a call, whatever is in it", () => {
  const values = fc.dictionary(fc.stringMatching(/^New[A-Z][a-z]{1,9}$/), fc.string());
  fc.assert(fc.property(values, (values) => {
    const xml = encodeCall(WAN, "AddPortMapping", values);
    const sent = leaves(xml)?.filter(({ path }) => path.length === 4)
      .map(({ path, text }) => [path[3], text]);
    assert.deepEqual(sent, Object.entries(values).map(([name, text]) => [name, text.trim()]));
  }));
});

const answer = (body: string) => `<s:Envelope xmlns:s="x"><s:Body>${body}</s:Body></s:Envelope>`;

Deno.test("upnp: answers", () => {
  const xml = answer("<u:GetXResponse xmlns:u='y'><NewA>1</NewA><NewB/></u:GetXResponse>");
  assert.deepEqual(decodeCallAnswer(xml, "GetX"), {
    values: new Map([["NewA", "1"], ["NewB", ""]]),
  });
  const empty = answer("<u:GetXResponse xmlns:u='y'/>");
  assert.ok(decodeCallAnswer(empty, "GetX"));
  const fault = answer(
    "<s:Fault><faultcode>s:Client</faultcode><detail><UPnPError><errorCode>718</errorCode>" +
      "</UPnPError></detail></s:Fault>",
  );
  assert.deepEqual(decodeCallAnswer(fault, "GetX"), { error: 718 });
  for (const wrong of [xml.replace("GetX", "GetY"), "<html></html>", "no XML", answer("")]) {
    assert.equal(decodeCallAnswer(wrong, "GetX"), undefined, wrong);
  }
});
