import assert from "node:assert/strict";
import { Connections, type Open } from "../../../../lib/transports/holepunch/connections.ts";

const PEER = { key: "ab".repeat(32) };
const MS = 10_000;

/** A conversation that ends on demand. */
class Talk implements Disposable {
  readonly peer = PEER;
  isBroken = false;
  readonly #keep: (talk: Talk) => boolean;
  constructor(keep: (talk: Talk) => boolean) {
    this.#keep = keep;
  }
  hangUp(): void {
    this.isBroken = true;
  }
  [Symbol.dispose](): void {
    if (this.isBroken || !this.#keep(this)) this.hangUp();
  }
}

/** Connections whose attempts the test ends. */
class Attempts {
  readonly begun: {
    readonly signal: AbortSignal;
    readonly searching: () => void;
    readonly succeed: () => Talk;
    readonly fail: (error: Error) => void;
  }[] = [];
  readonly open: Open<Talk> = (_peer, signal, keep, searching) => {
    const { promise, resolve, reject } = Promise.withResolvers<Talk>();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    const succeed = () => {
      const talk = new Talk(keep);
      resolve(talk);
      return talk;
    };
    this.begun.push({ signal, searching, succeed, fail: reject });
    return promise;
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("connections: once at a time to a peer, and a failure is everybody's", async () => {
  const attempts = new Attempts();
  using connections = new Connections(attempts.open);
  const { signal } = new AbortController();
  const [one, two] = [1, 2].map(() => connections.connect(PEER, MS, signal));
  await turn();
  assert.equal(attempts.begun.length, 1);
  const talk = attempts.begun[0]!.succeed();
  assert.equal(await one, talk);
  await turn();
  assert.equal(attempts.begun.length, 2, "the other has one of its own");
  const third = connections.connect(PEER, MS, signal);
  await turn();
  attempts.begun[1]!.fail(new Error("no way"));
  await assert.rejects(two!, /no way/);
  await assert.rejects(third, /no way/);
  assert.equal(attempts.begun.length, 2);
});

Deno.test("connections: one that is idle is used again", async () => {
  const attempts = new Attempts();
  using connections = new Connections(attempts.open);
  const { signal } = new AbortController();
  const first = connections.connect(PEER, MS, signal);
  await turn();
  const talk = attempts.begun[0]!.succeed();
  (await first)[Symbol.dispose]();
  assert.equal(await connections.connect(PEER, MS, signal), talk);
  assert.equal(attempts.begun.length, 1);
});

Deno.test("connections: who gives up ends the attempt, and another begins anew", async () => {
  const attempts = new Attempts();
  using connections = new Connections(attempts.open);
  const stop = new AbortController();
  const first = connections.connect(PEER, MS, stop.signal);
  const second = connections.connect(PEER, MS, new AbortController().signal);
  await turn();
  stop.abort(new Error("given up"));
  await assert.rejects(first, /given up/);
  await turn();
  assert.ok(attempts.begun[0]!.signal.aborted);
  const talk = attempts.begun[1]!.succeed();
  assert.equal(await second, talk);
});

Deno.test("connections: a search goes on when nobody waits, and what it finds is kept", async () => {
  const attempts = new Attempts();
  using connections = new Connections(attempts.open);
  const stop = new AbortController();
  const given: number[] = [];
  const first = connections.connect(PEER, MS, stop.signal, (ms) => given.push(ms));
  await turn();
  attempts.begun[0]!.searching();
  assert.ok(given[0]! > MS, "it may take longer");
  stop.abort(new Error("given up"));
  await assert.rejects(first, /given up/);
  await turn();
  assert.ok(!attempts.begun[0]!.signal.aborted);
  const { signal } = new AbortController();
  const later = connections.connect(PEER, MS, signal, (ms) => given.push(ms));
  assert.ok(given[1]! > MS, "who comes later is told, too");
  const talk = attempts.begun[0]!.succeed();
  assert.equal(await later, talk);
  assert.equal(attempts.begun.length, 1);
});

Deno.test("connections: all end with the node", async () => {
  const attempts = new Attempts();
  const connections = new Connections(attempts.open);
  const one = connections.connect(PEER, MS, new AbortController().signal);
  one.catch(() => {});
  await turn();
  attempts.begun[0]!.searching();
  connections[Symbol.dispose]();
  await assert.rejects(one);
});
