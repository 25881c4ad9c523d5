import fc from "fast-check";
import assert from "node:assert/strict";
import { canonicalJson, MAX_JSON_DEPTH } from "../../../lib/manifest/canonical_json.ts";

const refused = { name: "VerificationError", code: "bad-json" };

/** The same value with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([k, v]) => [k, reversed(v)]));
}

Deno.test("canonicalJson writes the examples of RFC 8785", async (t) => {
  await t.step("3.2.2 literals, numbers, strings", () => {
    const input = `{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`;
    assert.equal(
      canonicalJson(JSON.parse(input)),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });
  await t.step("3.2.3 sorting by UTF-16 code units", () => {
    const input = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    assert.equal(
      canonicalJson(input),
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control",' +
        '"\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign",' +
        '"\ud83d\ude00":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });
  await t.step("appendix B numbers", () => {
    const samples: [string, string][] = [
      ["0000000000000000", "0"],
      ["8000000000000000", "0"],
      ["0000000000000001", "5e-324"],
      ["8000000000000001", "-5e-324"],
      ["7fefffffffffffff", "1.7976931348623157e+308"],
      ["4340000000000000", "9007199254740992"],
      ["4430000000000000", "295147905179352830000"],
      ["44b52d02c7e14af5", "9.999999999999997e+22"],
      ["44b52d02c7e14af6", "1e+23"],
      ["444b1ae4d6e2ef4e", "999999999999999700000"],
      ["444b1ae4d6e2ef50", "1e+21"],
      ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
      ["3eb0c6f7a0b5ed8d", "0.000001"],
      ["41b3de4355555555", "333333333.3333333"],
      ["41b3de4355555556", "333333333.3333334"],
      ["41b3de4355555557", "333333333.33333343"],
      ["becbf647612f3696", "-0.0000033333333333333333"],
      ["43143ff3c1cb0959", "1424953923781206.2"],
    ];
    for (const [bits, text] of samples) {
      const number = new DataView(Uint8Array.fromHex(bits).buffer).getFloat64(0);
      assert.equal(canonicalJson(number), text);
    }
  });
});

Deno.test("canonicalJson keeps the value, and gives one text for every order of keys", () => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (value) => {
    const text = canonicalJson(value);
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    assert.equal(canonicalJson(JSON.parse(text)), text);
    assert.equal(canonicalJson(reversed(value)), text);
  }));
});

Deno.test("canonicalJson writes a key called __proto__ like any other", () => {
  const value = JSON.parse('{"b":1,"__proto__":{"a":[]},"constructor":2}');
  assert.equal(canonicalJson(value), '{"__proto__":{"a":[]},"b":1,"constructor":2}');
});

Deno.test("canonicalJson refuses what has no canonical form", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const hopeless: unknown[] = [
    NaN,
    Infinity,
    -Infinity,
    JSON.parse("1e999"),
    undefined,
    1n,
    Symbol("s"),
    () => 1,
    "\ud800",
    { "\udc00": 1 },
    { a: undefined },
    [undefined],
    new Array(2),
    new Date(0),
    new Map(),
    new Uint8Array(2),
    cycle,
  ];
  for (const value of hopeless) assert.throws(() => canonicalJson(value), refused);
});

Deno.test("canonicalJson bounds nesting", () => {
  const nested = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  assert.equal(canonicalJson(nested(MAX_JSON_DEPTH)).length, 2 * MAX_JSON_DEPTH);
  assert.throws(() => canonicalJson(nested(MAX_JSON_DEPTH + 1)), refused);
  assert.throws(() => canonicalJson(nested(1_000_000)), refused);
});
