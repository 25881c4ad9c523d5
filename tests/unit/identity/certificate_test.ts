import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import {
  certifiedKey,
  httpsCertificate,
  isVouched,
  selfSigned,
  vouch,
  voucherOf,
} from "../../../lib/identity/certificate.ts";
import { keyFromSeed } from "../../../lib/identity/keys.ts";

const [seed, other] = [1, 2].map((n) => new Uint8Array(32).fill(n)) as [Uint8Array, Uint8Array];
const key = keyFromSeed(seed);
const raw = (cert: string) => new Uint8Array(new X509Certificate(cert).raw);

Deno.test("a certificate is of the key, signed by it, and the same each time", () => {
  const { cert } = selfSigned(seed);
  const certificate = new X509Certificate(cert);
  assert.equal(certifiedKey(certificate.raw), key.publicKeyHex);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(selfSigned(seed).cert, cert);
  assert.equal(voucherOf(certificate.raw), undefined);
});

Deno.test("a certificate holds a name of any length", () => {
  for (const length of [0, 1, 40, 100, 126, 127, 128, 200, 254, 255, 256, 257, 400, 1000]) {
    const uri = "x".repeat(length);
    const certificate = new X509Certificate(selfSigned(seed, uri).cert);
    assert.equal(certifiedKey(certificate.raw), key.publicKeyHex, String(length));
    assert.ok(certificate.verify(certificate.publicKey));
    assert.equal(certificate.subjectAltName, `DNS:gtr, URI:${uri}`);
  }
  assert.equal(new X509Certificate(selfSigned(seed).cert).subjectAltName, "DNS:gtr");
});

Deno.test("an https server's certificate is of another key, for which the identity vouches", () => {
  const { cert } = httpsCertificate(key);
  const certificate = new X509Certificate(cert);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(voucherOf(certificate.raw), key.publicKeyHex);
  assert.notEqual(certifiedKey(certificate.raw), key.publicKeyHex);
  assert.equal(httpsCertificate(key).cert, cert);
});

Deno.test("a statement about another key, or for another use, is none", () => {
  const { cert } = httpsCertificate(key);
  const uri = /gtr-key:\w{64}:\w{128}/.exec(Buffer.from(raw(cert)).toString("latin1"))![0];
  // The statement, copied into the certificate of a key that a stranger has.
  assert.equal(voucherOf(raw(selfSigned(key.derive("https-v1", 32), uri).cert)), key.publicKeyHex);
  assert.equal(voucherOf(raw(selfSigned(other, uri).cert)), undefined);
  for (let i = 0; i < uri.length; i++) {
    const digit = uri[i] === "0" ? "1" : "0";
    const changed = selfSigned(
      key.derive("https-v1", 32),
      uri.slice(0, i) + digit + uri.slice(i + 1),
    );
    assert.notEqual(voucherOf(raw(changed.cert)), key.publicKeyHex);
  }
  const tlsKey = keyFromSeed(other).publicKey;
  const signature = vouch("liveKey", key, tlsKey);
  assert.ok(isVouched("liveKey", key.publicKey, tlsKey, signature));
  assert.ok(!isVouched("httpsKey", key.publicKey, tlsKey, signature));
  assert.ok(!isVouched("liveKey", key.publicKey, key.publicKey, signature));
  assert.ok(!isVouched("liveKey", tlsKey, tlsKey, signature));
});

Deno.test({
  name: "openssl takes a certificate for what it is (needs openssl)",
  ignore: !await new Deno.Command("openssl", { args: ["version"] }).output()
    .then(({ success }) => success, () => false),
  fn: async () => {
    const path = await Deno.makeTempFile();
    try {
      const openssl = async (...args: string[]) => {
        const { success, stdout } = await new Deno.Command("openssl", { args }).output();
        assert.ok(success);
        return new TextDecoder().decode(stdout);
      };
      for (const { cert } of [selfSigned(seed), httpsCertificate(key)]) {
        await Deno.writeTextFile(path, cert);
        await openssl("verify", "-check_ss_sig", "-CAfile", path, path);
        const text = await openssl("x509", "-in", path, "-noout", "-text");
        assert.match(text, /Version: 3 \(0x2\)[^]*Public Key Algorithm: ED25519/);
        assert.ok(text.replace(/[\s:]/g, "").includes(certifiedKey(raw(cert))!));
      }
      const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      await openssl("req", "-x509", ...kind, "-keyout", path, "-subj", "/CN=x", "-out", path);
      const other = new X509Certificate(
        /-----BEGIN CERTIFICATE[^]*/.exec(await Deno.readTextFile(path))![0],
      );
      assert.equal(certifiedKey(other.raw), undefined, "a key of another kind");
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test("what is no certificate has no key, and nobody vouches for it", () => {
  const whole = raw(httpsCertificate(key).cert);
  for (const bytes of [undefined, new Uint8Array(), whole.slice(0, 100), new Uint8Array(300)]) {
    assert.equal(certifiedKey(bytes), undefined);
    assert.equal(voucherOf(bytes), undefined);
  }
  // The key's bytes alone, or somewhere in the text, are not enough.
  const spki = Uint8Array.fromHex(`302a300506032b6570032100${key.publicKeyHex}`);
  assert.equal(certifiedKey(spki), undefined);
});
