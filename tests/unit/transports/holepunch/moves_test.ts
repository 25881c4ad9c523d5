import assert from "node:assert/strict";
import { Moves } from "../../../../lib/transports/holepunch/moves.ts";

const NODES = [{ host: "11.0.0.1", port: 1 }, { host: "11.0.0.2", port: 2 }];

Deno.test("moves: told once for each new address that the same node sees", async () => {
  const answers = ["12.0.0.1", "12.0.0.1", undefined, "12.0.0.9", "12.0.0.9", "12.0.0.2"];
  const asked: number[] = [];
  const all = Promise.withResolvers<void>();
  const ping = ({ port }: { port: number }) => {
    asked.push(port);
    if (asked.length > answers.length) all.resolve();
    const host = answers[asked.length - 1] ?? (asked.length > 3 ? "12.0.0.2" : undefined);
    return host ? Promise.resolve({ to: { host, port: 7 } }) : Promise.reject(new Error("silent"));
  };
  let moved = 0;
  using _moves = new Moves({ ping }, () => NODES, () => moved++, 1);
  await all.promise;
  // The first node, then the second: what that one sees is compared with what it saw before only.
  assert.deepEqual(asked.slice(0, 6), [1, 1, 1, 2, 2, 2]);
  assert.equal(moved, 1);
});

Deno.test("moves: a node that tells of another address each time is asked no more", async () => {
  const asked: number[] = [];
  const all = Promise.withResolvers<void>();
  const ping = ({ port }: { port: number }) => {
    if (asked.push(port) > 6) all.resolve();
    const host = port === 1 ? `12.0.0.${asked.length}` : "12.0.0.1";
    return Promise.resolve({ to: { host, port: 7 } });
  };
  let moved = 0;
  using _moves = new Moves({ ping }, () => NODES, () => moved++, 1);
  await all.promise;
  assert.deepEqual(asked.slice(0, 6), [1, 1, 2, 2, 2, 2]);
  assert.equal(moved, 1);
});

Deno.test("moves: without nodes nobody is asked", async () => {
  let asked = 0;
  const looked = Promise.withResolvers<void>();
  const nodes = () => {
    if (++asked > 2) looked.resolve();
    return [];
  };
  const ping = () => assert.fail("asked");
  using _moves = new Moves({ ping }, nodes, () => assert.fail("moved"), 1);
  await looked.promise;
});
