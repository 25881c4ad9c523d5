/** The register of keys in docs/security.md against the code. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { beginning, DERIVED, SIGNED, type SignedUse } from "../../../lib/identity/uses.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
/** What signs, and what makes a key. */
const CALL = new RegExp(
  "\\b(sign|signAsync|signMutable|derive|vouch|keyFromSeed|privateKeyOf|selfSigned|keyPair|" +
    "createPrivateKey|generateKeyPairSync|generateSecretKey|createHmac|hkdfSync|finalizeEvent)\\(",
  "g",
);
const DECLARATION = /^\s*(?:export |async |function )*\w+(?:\(.*[{;]|\()$/;
const COMMENT = /^\s*(?:\*|\/\/|\/\*)/;

const USES = Object.keys(SIGNED) as SignedUse[];
const encode = (text: string) => new TextEncoder().encode(text);
const key = keyFromSeed(new Uint8Array(32).fill(1));
const text = await Deno.readTextFile(join(ROOT, "docs", "security.md"));
const register = /\n## Keys\n([^]*?)\n## /.exec(text)![1]!;

async function* sources(folder: string): AsyncGenerator<{ path: string; lines: string[] }> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts") && !name.endsWith(".d.ts")) {
      const lines = (await Deno.readTextFile(path)).split("\n");
      yield { path: relative(ROOT, path), lines: lines.filter((line) => !COMMENT.test(line)) };
    }
  }
}

const code = await Promise.all(
  ["lib", "cmd"].map((folder) => Array.fromAsync(sources(join(ROOT, folder)))),
);

/** Every one as many times as it stands there: "lib/identity/keys.ts sign". */
function calls(): string[] {
  return code.flat().flatMap(({ path, lines }) =>
    lines.filter((line) => !DECLARATION.test(line))
      .flatMap((line) => [...line.matchAll(CALL)].map(([, name]) => `${path} ${name}`))
  ).sort();
}

function isPrefixFree(all: readonly Uint8Array[]): void {
  const forms = all.map((bytes) => bytes.toHex());
  for (const [i, one] of forms.entries()) {
    for (const [j, other] of forms.entries()) assert.ok(i === j || !other.startsWith(one), one);
  }
}

Deno.test("keys: every call that signs or makes a key is in the register", () => {
  const registered = [...register.matchAll(/`(\w+\/[\w/.]+\.ts)`:((?:\s+\w+(?: ×\d+)?,?)+)/g)]
    .flatMap(([, path, names]) =>
      [...names!.matchAll(/(\w+)(?: ×(\d+))?/g)].flatMap(([, name, count]) =>
        Array<string>(Number(count ?? 1)).fill(`${path} ${name}`)
      )
    );
  assert.deepEqual(registered.sort(), calls());
});

Deno.test("keys: every tag is in the register, and none is another's beginning", () => {
  const inCode = code.flat().flatMap(({ lines }) =>
    [...lines.join("\n").matchAll(/["`](gtr[^"`$\\]*)\\0/g)].map(([, tag]) => tag!)
  );
  const signed = USES.map(beginning);
  isPrefixFree(signed);
  isPrefixFree(DERIVED.map(encode));
  isPrefixFree([
    ...signed.filter((bytes) => !inCode.includes(new TextDecoder().decode(bytes).slice(0, -1))),
    ...new Set(inCode).values().map((tag) => encode(`${tag}\0`)),
  ]);
  const tags = new Set([
    ...inCode,
    ...DERIVED,
    ...Object.values(SIGNED).map((tag) =>
      typeof tag === "string" ? tag.replace("\0", "") : tag.toHex()
    ),
  ]);
  const column = /\| tag +\|([^]*?)\n\n/.exec(register)![1]!;
  const registered = [...column.matchAll(/`([^`]+)` +\|$/gm)].flatMap(([, tag]) => tag!);
  assert.deepEqual(registered.sort(), [...tags].sort());
});

Deno.test("keys: the identity signs nothing without the tag of the use that is named", () => {
  const begins = (use: SignedUse, message: Uint8Array) =>
    message.toHex().startsWith(beginning(use).toHex());
  const tagged = fc.tuple(fc.constantFrom(...USES), fc.uint8Array({ maxLength: 200 }))
    .map(([use, rest]) => new Uint8Array([...beginning(use), ...rest]));
  const part = tagged.chain((bytes) => fc.nat(40).map((n) => bytes.subarray(n)));
  fc.assert(
    fc.property(
      fc.constantFrom(...USES),
      fc.oneof(tagged, part, fc.uint8Array({ maxLength: 200 })),
      (use, message) => {
        if (begins(use, message)) assert.equal(key.sign(use, message).length, 64);
        else assert.throws(() => key.sign(use, message), { name: "RangeError" });
      },
    ),
  );
  for (const use of USES) {
    assert.equal(key.sign(use, beginning(use)).length, 64);
    assert.throws(() => key.sign(use, beginning(use).subarray(0, -1)), { name: "RangeError" });
  }
});
