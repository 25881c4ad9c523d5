import fc from "fast-check";
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, hkdfSync, sign } from "node:crypto";
import { join } from "node:path";
import {
  inspectKey,
  keyFromSeed,
  loadOrCreateKey,
  privateKeyOf,
  publisherId,
  readKey,
  verifySignature,
} from "../../../lib/identity/keys.ts";
import { loadMachine } from "../../../lib/identity/machine.ts";
import * as portable from "../../../lib/identity/portable.ts";
import { beginning } from "../../../lib/identity/uses.ts";

/** RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc). */
const VECTORS = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
  {
    seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    message: createHash("sha512").update("abc").digest("hex"),
    signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589" +
      "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  },
].map((vector) => ({
  seed: Uint8Array.fromHex(vector.seed),
  publicKey: Uint8Array.fromHex(vector.publicKey),
  message: Uint8Array.fromHex(vector.message),
  signature: Uint8Array.fromHex(vector.signature),
}));

const tagged = beginning("manifest");
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

Deno.test("node:crypto gives the vectors of RFC 8032", () => {
  for (const { seed, publicKey, message, signature } of VECTORS) {
    const key = keyFromSeed(seed);
    assert.deepEqual(key.publicKey, publicKey);
    assert.deepEqual(new Uint8Array(sign(null, message, privateKeyOf(seed))), signature);
    assert.equal(verifySignature(publicKey, message, signature), true);
  }
});

Deno.test("the portable code gives the vectors of RFC 8032", async () => {
  for (const { seed, publicKey, message, signature } of VECTORS) {
    assert.deepEqual(await portable.publicKeyOf(seed), publicKey);
    assert.deepEqual(await portable.sign(seed, message), signature);
    assert.equal(await portable.verify(publicKey, message, signature), true);
  }
});

Deno.test("node:crypto and the portable code give the same bytes and verdicts", async () => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 200 })
    .map((content) => new Uint8Array([...tagged, ...content]));
  const change = fc.tuple(fc.nat(95), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(bytes(32), message, change, async (seed, message, [at, bits]) => {
      const key = keyFromSeed(seed);
      const signature = key.sign("manifest", message);
      assert.deepEqual(await portable.publicKeyOf(seed), key.publicKey);
      assert.deepEqual(await portable.sign(seed, message), signature);
      const both = new Uint8Array([...signature, ...key.publicKey]);
      both[at]! ^= bits;
      const [changed, publicKey] = [both.subarray(0, 64), both.subarray(64)];
      const verdict = verifySignature(publicKey, message, changed);
      assert.equal(verdict, bits === 0);
      assert.equal(await portable.verify(publicKey, message, changed), verdict);
    }),
    { numRuns: 30 },
  );
});

Deno.test("no bytes at all make verifySignature throw", async () => {
  const some = fc.uint8Array({ maxLength: 70 });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(bytes(32), some),
      some,
      fc.oneof(bytes(64), some),
      async (k, m, s) => {
        assert.equal(verifySignature(k, m, s), false);
        assert.equal(await portable.verify(k, m, s), false);
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("a publisher's id is the SHA-1 of the public key", () => {
  const key = keyFromSeed(VECTORS[0]!.seed);
  assert.equal(key.id, createHash("sha1").update(VECTORS[0]!.publicKey).digest("hex"));
  assert.equal(key.id, publisherId(key.publicKey));
  assert.equal(key.publicKeyHex, VECTORS[0]!.publicKey.toHex());
});

Deno.test("derived secrets: HKDF-SHA256 of the seed, other ones for other purposes and keys", () => {
  const seed = new Uint8Array(32).fill(7);
  const key = keyFromSeed(seed);
  const expected = hkdfSync("sha256", seed, "gtr-derive-v1", "https-v1", 48);
  assert.deepEqual(key.derive("https-v1", 48), new Uint8Array(expected));
  assert.notDeepEqual(key.derive("port-mapping-v1", 48), key.derive("https-v1", 48));
  assert.notDeepEqual(
    keyFromSeed(new Uint8Array(32)).derive("https-v1", 48),
    key.derive("https-v1", 48),
  );
});

Deno.test("keyFromSeed takes 32 bytes only", () => {
  for (const length of [0, 31, 33, 64]) {
    assert.throws(() => keyFromSeed(new Uint8Array(length)), RangeError);
  }
});

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const mode = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

Deno.test("loadOrCreateKey makes the key once, for its owner only", () =>
  inFolder(async (folder) => {
    const path = join(folder, "home", "identity.pem");
    assert.equal(await readKey(path), undefined);
    const key = await loadOrCreateKey(path);
    assert.match(await Deno.readTextFile(path), /^-----BEGIN PRIVATE KEY-----\n/);
    assert.equal(await mode(path), 0o600);
    assert.equal(await mode(join(folder, "home")), 0o700);
    assert.equal((await loadOrCreateKey(path)).id, key.id);
    assert.equal((await readKey(path))?.id, key.id);
    const message = new Uint8Array([...tagged, 1, 2, 3]);
    assert.ok(verifySignature(key.publicKey, message, key.sign("manifest", message)));
  }));

Deno.test("a new key is this home's, and made outside of working trees only", () =>
  inFolder(async (folder) => {
    const { publicKeyHex } = await loadOrCreateKey(join(folder, "identity.pem"));
    assert.equal((await loadMachine(folder)).madeKey, publicKeyHex);
    await loadOrCreateKey(join(folder, "identity.pem"));
    assert.equal((await loadMachine(folder)).madeKey, publicKeyHex);
    const work = join(folder, "work");
    await Deno.mkdir(join(work, ".git"), { recursive: true });
    await Deno.writeTextFile(join(work, ".git", "HEAD"), "ref: refs/heads/main\n");
    await assert.rejects(loadOrCreateKey(join(work, "home", "identity.pem")), {
      code: "home-in-repository",
    });
    await Deno.writeTextFile(join(folder, "file"), "");
    for (const path of ["file/identity.pem", "file/home/identity.pem"]) {
      await assert.rejects(loadOrCreateKey(join(folder, path)), { name: "StoreError" });
    }
  }));

Deno.test("who only looks at a key leaves its file as it is", () =>
  inFolder(async (folder) => {
    const path = join(folder, "identity.pem");
    assert.equal(await inspectKey(path), undefined);
    const { id } = await loadOrCreateKey(path);
    await Deno.chmod(path, 0o644);
    assert.equal((await inspectKey(path))?.id, id);
    assert.equal(await mode(path), 0o644);
    await Deno.writeTextFile(path, "nonsense");
    await assert.rejects(inspectKey(path), { code: "bad-identity" });
  }));

Deno.test("processes that race for the first key all get one key, and leave nothing behind", () =>
  inFolder(async (folder) => {
    const path = join(folder, "identity.pem");
    const code = `
      const { loadOrCreateKey } = await import(Deno.args[0]);
      console.log((await loadOrCreateKey(Deno.args[1])).id);
    `;
    const keys = new URL("../../../lib/identity/keys.ts", import.meta.url).href;
    const run = () => {
      const args = ["eval", "--no-check", code, keys, path];
      return new Deno.Command(Deno.execPath(), { args, cwd: import.meta.dirname! }).output();
    };
    const outputs = await Promise.all([run(), run(), run()]);
    for (const { stderr, success } of outputs) {
      assert.ok(success, new TextDecoder().decode(stderr));
    }
    const ids = new Set(outputs.map(({ stdout }) => new TextDecoder().decode(stdout).trim()));
    assert.deepEqual([...ids], [(await readKey(path))?.id]);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort(), [
      "identity.pem",
      "store",
    ]);
  }));

Deno.test("a key file that others can read is closed to them", () =>
  inFolder(async (folder) => {
    const path = join(folder, "identity.pem");
    const { id } = await loadOrCreateKey(path);
    for (const bit of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001]) {
      await Deno.chmod(path, 0o600 | bit);
      assert.equal((await readKey(path))?.id, id);
      assert.equal(await mode(path), 0o600);
    }
    await Deno.chmod(path, 0o400);
    assert.equal((await readKey(path))?.id, id);
    assert.equal(await mode(path), 0o400, "what its owner closed even to writing stays so");
  }));

Deno.test("a file that holds no ed25519 key is refused and left alone", () =>
  inFolder(async (folder) => {
    const path = join(folder, "identity.pem");
    const pem = (type: "rsa" | "ec") => {
      const options = { modulusLength: 2048, namedCurve: "P-256" };
      const pair = type === "rsa"
        ? generateKeyPairSync("rsa", options)
        : generateKeyPairSync("ec", options);
      return pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    };
    await loadOrCreateKey(path);
    const good = await Deno.readTextFile(path);
    for (
      const text of ["", "hello", good.slice(0, 60), pem("rsa"), pem("ec"), good + "x".repeat(5000)]
    ) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(
        loadOrCreateKey(path),
        (error: Error & { code: string; hint: string }) => {
          assert.equal(error.name, "StoreError");
          assert.equal(error.code, "bad-identity");
          assert.match(error.hint, /move it away/);
          return true;
        },
      );
      assert.equal(await Deno.readTextFile(path), text);
    }
    await Deno.remove(path);
    await Deno.mkdir(path);
    await assert.rejects(loadOrCreateKey(path), { code: "bad-identity" });
  }));
