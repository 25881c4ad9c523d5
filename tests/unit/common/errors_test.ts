import assert from "node:assert/strict";
import fc from "fast-check";
import {
  errorFromBody,
  formatError,
  GtrError,
  NetworkError,
  toGtrError,
  UsageError,
} from "../../../lib/common/errors.ts";

Deno.test("an error survives the way over the control API", () => {
  const anyError = fc.record({
    Kind: fc.constantFrom(GtrError, NetworkError, UsageError),
    code: fc.string(),
    message: fc.string(),
    hint: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
  });
  fc.assert(fc.property(anyError, ({ Kind, code, message, hint }) => {
    const sent = new Kind(code, message, { hint });
    const received = errorFromBody(JSON.parse(JSON.stringify(sent)));
    assert.deepEqual(
      [received.code, received.message, received.hint, received.exitCode],
      [code, message, hint, sent.exitCode],
    );
    assert.equal(formatError(received), formatError(sent));
    assert.equal(received instanceof UsageError, Kind === UsageError);
  }));
});

Deno.test("any thrown value becomes an error with a code", () => {
  const known = new NetworkError("nobody-answered", "nobody answered");
  assert.equal(toGtrError(known), known);
  assert.equal(toGtrError(new Error("wrapped", { cause: known })), known);
  assert.deepEqual(toGtrError(new TypeError("odd")).toJSON(), { code: "internal", message: "odd" });
  assert.equal(toGtrError("text").message, "text");
  assert.equal(toGtrError(undefined).message, "undefined");
  assert.equal(toGtrError(new Error("")).message, "unknown failure");
});

Deno.test("a person sees what failed, why and what to do", () => {
  const error = new UsageError("bad-name", "can't use 'x y': a space", { hint: "use x-y" });
  assert.equal(error.name, "UsageError");
  assert.equal(formatError(error), "gtr: can't use 'x y': a space\nhint: use x-y");
  assert.equal(formatError(new GtrError("c", "failed: why"), "gtd"), "gtd: failed: why");
});
