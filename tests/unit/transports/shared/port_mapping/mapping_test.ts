import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { Settings } from "../../../../../lib/common/settings.ts";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import {
  Mapping,
  renewalSeconds,
} from "../../../../../lib/transports/shared/port_mapping/mapping.ts";
import { mapPort } from "../../../../../lib/transports/shared/port_mapping/mod.ts";
import {
  description,
  fault,
  HASTY,
  HOST,
  natPmpAnswers,
  OUTSIDE,
  pcpAnswer,
  result,
  TestRouter,
} from "./test_router.ts";

const REQUEST = { protocol: "udp", port: 7000, host: "0.0.0.0" } as const;
const SECRET = new Uint8Array(32).fill(9);
const DEADLINE_MS = 60_000;

/** A mapping, what it said, and what the router was asked for: seconds of each request. */
class Trial implements AsyncDisposable {
  readonly router: TestRouter;
  readonly mapping: Mapping;
  readonly said: string[] = [];
  ended = 0;

  constructor(router: TestRouter) {
    this.router = router;
    const log = (message: string) => void this.said.push(message);
    this.mapping = new Mapping(REQUEST, router.mapper, SECRET, log, () => this.ended++);
  }

  /** Waits for a change that makes it true. */
  async until(isSo: () => boolean): Promise<void> {
    const done = Promise.withResolvers<void>();
    const timer = setTimeout(() => done.reject(new Error("nothing changed")), DEADLINE_MS);
    using _ = this.mapping.onChange(() => isSo() && done.resolve());
    if (isSo()) done.resolve();
    await done.promise.finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mapping[Symbol.asyncDispose]();
    await this.router[Symbol.asyncDispose]();
  }
}

Deno.test("a mapping tells where it is, and ends with a word to the router", async () => {
  const seconds: number[] = [];
  const router = await TestRouter.open({
    gateway: (request) => {
      seconds.push(request.readUInt32BE(4));
      return [pcpAnswer(request)];
    },
  });
  await using trial = new Trial(router);
  await trial.until(() => trial.mapping.outside !== undefined);
  assert.deepEqual(trial.mapping.outside, { host: OUTSIDE, port: 7000, by: "PCP" });
  assert.equal(trial.mapping.problem, undefined);
  assert.deepEqual(trial.said, [`UDP port 7000 is ${OUTSIDE}:7000 outside (PCP)`]);
  await trial.mapping[Symbol.asyncDispose]();
  assert.deepEqual(seconds, [3600, 0]);
  assert.equal(trial.ended, 1);
});

Deno.test("a port that is being mapped for the first time at the end is forgotten", async () => {
  const adding = Promise.withResolvers<void>();
  const late = Promise.withResolvers<Response>();
  let isMapped = false;
  const router = await TestRouter.open({
    locations: ["{web}/desc"],
    web: (action) => {
      switch (action) {
        case "":
          return description();
        case "GetExternalIPAddress":
          return result(action, { NewExternalIPAddress: OUTSIDE });
        case "GetSpecificPortMappingEntry":
          return isMapped
            ? result(action, { NewInternalClient: HOST, NewInternalPort: "7000" })
            : fault(714);
        case "AddPortMapping":
          isMapped = true;
          adding.resolve();
          return late.promise;
        default:
          isMapped = false;
          return result(action);
      }
    },
  }, { ...HASTY, searchMs: 10_000 });
  await using trial = new Trial(router);
  await adding.promise;
  await trial.mapping[Symbol.asyncDispose]();
  late.resolve(result("AddPortMapping"));
  assert.equal(isMapped, false);
  assert.equal(router.calls.at(-1), "DeletePortMapping");
});

Deno.test("the end of a mapping waits for no other one that looks for a router", async () => {
  const router = await TestRouter.open({}, { triesMs: [DEADLINE_MS], searchMs: DEADLINE_MS });
  await using first = new Trial(router);
  const log = () => {};
  const second = new Mapping({ ...REQUEST, protocol: "tcp" }, router.mapper, SECRET, log, log);
  await second[Symbol.asyncDispose]();
  assert.equal(first.mapping.problem, undefined, "the first one still looks");
});

Deno.test("the nonce and the ports asked for are the same in the next run", async () => {
  const nonces: string[] = [];
  const gateway = (request: Buffer) => {
    nonces.push(request.toString("hex", 24, 36));
    return [pcpAnswer(request)];
  };
  for (let run = 0; run < 2; run++) {
    await using trial = new Trial(await TestRouter.open({ gateway }));
    await trial.until(() => trial.mapping.outside !== undefined);
  }
  assert.equal(nonces.length, 4);
  assert.equal(new Set(nonces).size, 1);
});

Deno.test("a router with a private address outside: another one is before it", async () => {
  for (const address of [[192, 168, 1, 5], [100, 64, 0, 1]]) {
    const gateway = (request: Buffer) => [pcpAnswer(request, { 56: address })];
    await using trial = new Trial(await TestRouter.open({ gateway }));
    await trial.until(() => trial.mapping.outside !== undefined);
    assert.match(trial.mapping.problem!, /another router is outside/);
  }
});

Deno.test("a router that restarts is asked again, and a flood of restarts once", async () => {
  let epoch = 1000;
  const asked: Promise<void>[] = [];
  let next = Promise.withResolvers<void>();
  const router = await TestRouter.open({
    gateway: (request) => {
      if (request[0] === 0 && request[1] === 1) {
        next.resolve();
        asked.push(next.promise);
        next = Promise.withResolvers();
      }
      return natPmpAnswers(request, epoch);
    },
  });
  await using trial = new Trial(router);
  await trial.until(() => trial.mapping.outside !== undefined);
  assert.equal(asked.length, 1);
  // The same clock: it says that it is there, and no more.
  router.announce(natPmpAnswers(Buffer.of(0, 0), epoch)[0]!);
  epoch = 0;
  const again = next.promise;
  for (let i = 0; i < 50; i++) router.announce(natPmpAnswers(Buffer.of(0, 0), epoch)[0]!);
  await again;
  await trial.mapping[Symbol.asyncDispose]();
  assert.ok(asked.length <= 3, `asked ${asked.length} times, the last time to forget it`);
  assert.ok(router.dropped.get("router-flood")! > 0);
});

Deno.test("nobody is asked where no router is between, and nothing is said", async () => {
  const router = await TestRouter.open({});
  router.where = {};
  await using trial = new Trial(router);
  await assert.rejects(
    router.mapper.map(
      { protocol: "udp", inside: 1, outside: [1], seconds: 1, nonce: SECRET },
      AbortSignal.timeout(60_000),
    ),
    /no router has to be asked/,
  );
  assert.deepEqual([trial.mapping.outside, trial.mapping.problem], [undefined, undefined]);
  assert.deepEqual(trial.said, []);
});

Deno.test("what is in the way is told once", async () => {
  const router = await TestRouter.open({});
  router.where = { problem: "there is no router to ask" };
  await using trial = new Trial(router);
  await trial.until(() => trial.mapping.problem !== undefined);
  assert.match(trial.said.join(), /^UDP port 7000 can't be reached .*: there is no router to ask$/);
});

Deno.test("a mapping is renewed in time, whatever the router says", () => {
  assert.equal(renewalSeconds(3600), 1800);
  assert.equal(renewalSeconds(undefined), 1800);
  fc.assert(fc.property(fc.nat(2 ** 32 - 1), (seconds) => {
    const renewal = renewalSeconds(seconds);
    assert.ok(renewal >= 60 && renewal <= 1800);
  }));
});

Deno.test("mapPort: nothing is done on loopback, without gateways, or if it is off", async () => {
  let asked = 0;
  const context = (isOn: boolean) => ({
    settings: { get: () => isOn } as unknown as Settings,
    key: keyFromSeed(SECRET),
    gateways: () => {
      asked++;
      return Promise.resolve([]);
    },
    log: () => {},
    dropped: () => {},
  });
  await mapPort({ ...REQUEST, host: HOST }, context(true))[Symbol.asyncDispose]();
  await mapPort(REQUEST, context(false))[Symbol.asyncDispose]();
  await mapPort(REQUEST, { ...context(true), gateways: undefined })[Symbol.asyncDispose]();
  assert.equal(asked, 0);
});
