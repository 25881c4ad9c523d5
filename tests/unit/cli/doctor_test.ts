import assert from "node:assert/strict";
import { judgeClock } from "../../../lib/cli/doctor/clock.ts";
import { type Check, ok } from "../../../lib/cli/doctor/check.ts";
import { examine } from "../../../lib/cli/doctor/examine.ts";
import { RequestError } from "../../../lib/common/errors.ts";
import { Home } from "../../../lib/common/home.ts";
import { Settings } from "../../../lib/common/settings.ts";
import type { Call } from "../../../lib/cli/io.ts";
import { User } from "./support.ts";

const never = () => new Promise<never>(() => {});

/** A call in a home that is not there, with a gtd that never answers. */
function call(): Call {
  const home = new Home("/nonexistent/gtr");
  return {
    operands: [],
    options: {},
    io: {
      cwd: "/",
      env: () => undefined,
      home: home.root,
      stdout: () => {},
      stderr: () => {},
      interactive: false,
      signal: new AbortController().signal,
    },
    home,
    services: {
      connect: never,
      start: never,
      stop: never,
      running: () => Promise.resolve(undefined),
      askRegistry: () => Promise.reject(new Error("not in this test")),
      secrets: () => never,
    },
    settings: () => Settings.load(home, () => undefined),
  };
}

Deno.test("examine: one check that hangs or fails keeps nothing from the others, nor their order", async () => {
  const checks: Check[] = [
    { what: "hangs", ms: 50, run: never },
    { what: "throws", run: () => Promise.reject(new RequestError("x", "a: b", { hint: "c" })) },
    { what: "breaks", run: () => Promise.reject(new TypeError("undefined is no object")) },
    { what: "well", run: () => Promise.resolve([ok("one", "1"), ok("two", "2")]) },
  ];
  const found = await examine(call(), checks);
  assert.deepEqual(found.map(({ what, state }) => `${state} ${what}`), [
    "failed hangs",
    "failed throws",
    "failed breaks",
    "ok one",
    "ok two",
  ]);
  assert.match(found[0]!.why, /waited 0\.1 s for this check/);
  assert.deepEqual([found[1]!.why, found[1]!.hint], ["a: b", "c"]);
});

Deno.test("examine: what several checks need is asked for once", async () => {
  let asked = 0;
  const patient = call();
  const services = { ...patient.services, running: () => (asked++, Promise.resolve(undefined)) };
  const check: Check = { what: "x", run: async ({ gtd }) => [ok("x", String(await gtd()))] };
  await examine({ ...patient, services }, [check, check, check]);
  assert.equal(asked, 1);
});

Deno.test("clock: compared with the file system, then with what was published", () => {
  const now = Date.UTC(2030, 0, 1);
  const hour = 3_600_000;
  const cases: [Parameters<typeof judgeClock>[0], string, RegExp][] = [
    [{ now }, "ok", /not checked/],
    [{ now, file: now }, "ok", /nothing of others is here/],
    [{ now, file: now - 2000, others: now - hour }, "ok", /not behind what others published/],
    [{ now, file: now, others: now + 60_000 }, "ok", /not behind/],
    [{ now, file: now - hour }, "warning", /file system by 60 min/],
    [{ now, file: now, others: now + 5 * hour }, "warning", /others published is dated 5 h ahead/],
    [{ now, file: now, own: now + 5 * hour }, "warning", /you published is dated 5 h ahead/],
  ];
  for (const [times, state, says] of cases) {
    const finding = judgeClock(times);
    assert.equal(finding.state, state, JSON.stringify(times));
    assert.match(finding.why, says);
    assert.equal(finding.hint !== undefined, state !== "ok");
  }
});

Deno.test("doctor: what a network says can't steer the terminal", async () => {
  await using user = await User.make();
  const health = user.health();
  user.health = () => ({
    ...health,
    networks: [{ scheme: "torrent", state: "unreachable", summary: "a\x1b[2J\nok: b", hint: "c" }],
  });
  const { code, out } = await user.gtr(user.folder, "doctor");
  assert.equal(code, 1);
  assert.match(out, /^failed network torrent: a\?\[2J ok: b\nhint: c$/m);
});
