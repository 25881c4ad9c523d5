/**
 * A certificate authority of a test's own.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Node } from "./node.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes certificates with openssl, in the folder of a node. */
export class Authority {
  readonly #node: Node;
  /** Its own certificate, a PEM file. */
  readonly certificate: string;
  readonly #key: string;

  private constructor(node: Node) {
    this.#node = node;
    this.certificate = node.path("authority.pem");
    this.#key = node.path("authority.key");
  }

  static async make(node: Node): Promise<Authority> {
    const authority = new Authority(node);
    await authority.#openssl(
      ...["req", "-x509", ...KEY, "-subj", "/CN=authority", "-days", "2"],
      ...["-addext", "basicConstraints=critical,CA:TRUE"],
      ...["-keyout", authority.#key, "-out", authority.certificate],
    );
    return authority;
  }

  /** A new key and its certificate, each put in place at once. */
  async certify(
    names: string,
    cert: string,
    key: string,
    validity: readonly string[] = ["-days", "1"],
  ): Promise<void> {
    const [request, extensions] = [this.#node.path("request.pem"), this.#node.path("names")];
    await Deno.writeTextFile(extensions, `subjectAltName=${names}\n`);
    await this.#openssl("req", ...KEY, "-subj", "/CN=x", "-keyout", `${key}.new`, "-out", request);
    await this.#openssl(
      ...["x509", "-req", "-in", request, "-CA", this.certificate, "-CAkey", this.#key],
      ...["-CAcreateserial", "-extfile", extensions, ...validity, "-out", `${cert}.new`],
    );
    await Deno.rename(`${key}.new`, key);
    await Deno.rename(`${cert}.new`, cert);
  }

  async #openssl(...args: string[]): Promise<void> {
    const { code, stderr } = await this.#node.run("openssl", args);
    assert.equal(code, 0, stderr);
  }
}
