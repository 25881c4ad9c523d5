import assert from "node:assert/strict";
import { connectError, isAbsent } from "../../../../lib/transports/holepunch/connect_error.ts";

const failureOf = (code: string) => Object.assign(new Error(`${code}: Said`), { code });
const ATTEMPT = {
  key: "ab".repeat(32),
  relay: undefined,
  failure: failureOf("HOLEPUNCH_ABORTED"),
  randomized: false,
  punched: false,
};

Deno.test("connecting: between two symmetric routers no hole can be punched; what helps is told", () => {
  for (const code of ["HOLEPUNCH_ABORTED", "HOLEPUNCH_DOUBLE_RANDOMIZED_NATS", "REMOTE_ABORTED"]) {
    const error = connectError({ ...ATTEMPT, failure: failureOf(code), randomized: true });
    assert.equal(error.code, "out-of-reach");
    assert.match(error.message, /^can't connect to abababababab: no hole can be punched, as your /);
    assert.match(error.message, new RegExp(`\\(${code}\\)$`));
    assert.match(error.hint!, /holepunch\.relays/);
  }
});

Deno.test("connecting: what may be otherwise the next time is no verdict on the routers", () => {
  const one = connectError(ATTEMPT);
  assert.equal(one.code, "no-live-peer");
  assert.match(one.message, /no hole was punched through the routers \(HOLEPUNCH_ABORTED\)$/);
  assert.equal(connectError({ ...ATTEMPT, randomized: true, punched: true }).code, "no-live-peer");
});

Deno.test("connecting: a relay is no advice against who isn't there, or if there is one", () => {
  const absent = failureOf("PEER_NOT_FOUND");
  assert.ok(isAbsent(absent));
  assert.ok(!isAbsent(failureOf("HOLEPUNCH_ABORTED")) && !isAbsent(undefined));
  const gone = connectError({ ...ATTEMPT, failure: absent, randomized: true });
  assert.deepEqual([gone.code, gone.hint], ["no-live-peer", undefined]);
  const relayed = connectError({ ...ATTEMPT, relay: "cd".repeat(32), randomized: true });
  assert.deepEqual([relayed.code, relayed.hint], ["no-live-peer", undefined]);
  assert.match(relayed.message, /through relay cdcdcdcdcdcd: HOLEPUNCH_ABORTED: Said$/);
  assert.match(connectError({ ...ATTEMPT, failure: undefined }).message, /: it hung up$/);
});
