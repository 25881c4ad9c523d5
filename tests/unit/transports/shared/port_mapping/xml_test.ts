import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeText, leaves } from "../../../../../lib/transports/shared/port_mapping/xml.ts";

Deno.test("xml: elements with text, prefixes and attributes left out", () => {
  const xml = `<?xml version="1.0"?>
    <!-- a <comment> -->
    <s:a x="1"><b>one &amp; &#116;wo&lt;</b><c/><d> <e:f y='2'>3</e:f></d></s:a>`;
  assert.deepEqual(leaves(xml), [
    { path: ["a", "b"], parent: 1, text: "one & two<" },
    { path: ["a", "c"], parent: 1, text: "" },
    { path: ["a", "d", "f"], parent: 4, text: "3" },
  ]);
});

Deno.test("xml: what is refused", () => {
  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>';
  for (
    const xml of [
      bomb,
      "",
      "text",
      "<a>",
      "<a></b>",
      "<a><b></a></b>",
      "<a",
      "<a><![CDATA[x]]></a>",
      "<!-- <a></a>",
      "<>x</>",
      "<a>".repeat(100) + "</a>".repeat(100),
      "<a>" + "<b/>".repeat(20_000) + "</a>",
    ]
  ) assert.equal(leaves(xml), undefined, xml.slice(0, 80));
});

Deno.test("xml: entities that nobody declared stay as they are", () => {
  assert.equal(leaves("<a>&c;&#0;&#x110000;</a>")![0]!.text, "&c;&#0;&#x110000;");
});

Deno.test("xml: any text comes through an element", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    assert.equal(leaves(`<a>${encodeText(text)}</a>`)?.[0]?.text, text.trim());
  }));
});

Deno.test("xml: anything is read without a fault", () => {
  const part = fc.oneof(
    fc.constantFrom("<", ">", "</a>", "<a>", "<b/>", "&", "<!--", "-->"),
    fc.string(),
  );
  fc.assert(fc.property(fc.array(part), (parts) => void leaves(parts.join(""))));
});
