import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { certifiedKey, selfSigned } from "../../../lib/identity/certificate.ts";
import { keyFromSeed } from "../../../lib/identity/keys.ts";

const key = keyFromSeed(new Uint8Array(32).fill(1));

Deno.test("a certificate is of the key, signed by it, and the same each time", () => {
  const { cert } = selfSigned(key);
  const certificate = new X509Certificate(cert);
  assert.equal(certifiedKey(certificate.raw), key.publicKeyHex);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(selfSigned(key).cert, cert);
});

Deno.test({
  name: "openssl takes a certificate for what it is (needs openssl)",
  ignore: !await new Deno.Command("openssl", { args: ["version"] }).output()
    .then(({ success }) => success, () => false),
  fn: async () => {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(path, selfSigned(key).cert);
      const openssl = async (...args: string[]) => {
        const { success, stdout } = await new Deno.Command("openssl", { args }).output();
        assert.ok(success);
        return new TextDecoder().decode(stdout);
      };
      await openssl("verify", "-check_ss_sig", "-CAfile", path, path);
      const text = await openssl("x509", "-in", path, "-noout", "-text");
      assert.match(text, /Version: 3 \(0x2\)[^]*Public Key Algorithm: ED25519/);
      assert.ok(text.replace(/[\s:]/g, "").includes(key.publicKeyHex));
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test("what is no certificate has no key", () => {
  const { cert } = selfSigned(key);
  const raw = new Uint8Array(new X509Certificate(cert).raw);
  for (const bytes of [undefined, new Uint8Array(), raw.slice(0, 100), new Uint8Array(300)]) {
    assert.equal(certifiedKey(bytes), undefined);
  }
  // The key's bytes alone, or somewhere in the text, are not enough.
  const spki = Uint8Array.fromHex(`302a300506032b6570032100${key.publicKeyHex}`);
  assert.equal(certifiedKey(spki), undefined);
});
