import assert from "node:assert/strict";
import fc from "fast-check";
import { findings } from "../../../lib/cli/doctor/reachability.ts";
import { verdictOf } from "../../../lib/daemon/verdict.ts";
import type { Reach, ReachKind } from "../../../lib/ports/health.ts";

const OPEN: Reach = { how: "open", summary: "from outside at 192.0.2.1:6881" };
const PUNCHED: Reach = { how: "hole-punching", summary: "by hole punching through the router" };
const SOME: Reach = { ...PUNCHED, limited: true, hint: "set holepunch.relays" };
const CLOSED: Reach = { how: "outgoing-only", summary: "not from outside", hint: "forward a port" };
const UNKNOWN: Reach = { how: "unknown", summary: "nobody has tried" };
const LOCAL: Reach = { how: "local", summary: "only from this machine" };

Deno.test("verdict: one network by which everybody gets here is enough", () => {
  assert.deepEqual(verdictOf({ torrent: CLOSED, holepunch: PUNCHED }), {
    who: "everybody",
    summary: "others can fetch from you: by hole punching through the router (holepunch)",
  });
});

Deno.test("verdict: nobody, only if that is known of all networks", () => {
  assert.deepEqual(verdictOf({ torrent: CLOSED, holepunch: CLOSED }), {
    who: "nobody",
    summary: "nobody can fetch from you: not from outside (torrent); not from outside (holepunch)",
    hint: "forward a port",
  });
  assert.equal(verdictOf({ torrent: CLOSED, holepunch: UNKNOWN })?.who, "unknown");
  assert.equal(verdictOf({ torrent: CLOSED, holepunch: LOCAL })?.who, "local");
  assert.equal(verdictOf({}), undefined);
});

Deno.test("verdict: some, and what would let everybody", () => {
  const verdict = verdictOf({ torrent: CLOSED, holepunch: SOME });
  assert.equal(verdict?.who, "some");
  assert.equal(verdict?.hint, "set holepunch.relays");
});

Deno.test("verdict: a further network never makes it worse, unless it is not known yet", () => {
  const kinds: ReachKind[] = ["open", "mapped", "hole-punching", "relay", "servers"];
  const kind = fc.constantFrom<ReachKind>(...kinds, "local", "outgoing-only", "unknown");
  const reach = fc.record({ how: kind, summary: fc.string(), limited: fc.boolean() });
  const order = ["nobody", "local", "unknown", "some", "everybody"];
  const rank = (by: Record<string, Reach>) => order.indexOf(verdictOf(by)?.who ?? "nobody");
  fc.assert(fc.property(fc.dictionary(fc.string(), reach), reach, (by, other) => {
    assert.ok(
      rank({ ...by, other }) >= rank(Object.fromEntries(
        Object.entries(by).filter(([k]) => k !== "other"),
      )),
    );
  }));
});

Deno.test("doctor: says of each network how others get here, and fails where nobody does", () => {
  const network = (scheme: string, reach: Reach) => ({
    scheme,
    state: "reachable" as const,
    summary: "in touch with 3 nodes",
    reach,
  });
  const lines = (by: Record<string, Reach>) => {
    const networks = Object.entries(by).map(([scheme, reach]) => network(scheme, reach));
    return findings({ networks, verdict: verdictOf(by) })
      .map(({ what, state, hint }) => `${state} ${what}${hint ? ` (${hint})` : ""}`);
  };
  assert.deepEqual(lines({ torrent: CLOSED, holepunch: PUNCHED }), [
    "ok network torrent",
    "warning reach by torrent (forward a port)",
    "ok network holepunch",
    "ok reach by holepunch",
    "ok reach",
  ]);
  assert.deepEqual(lines({ torrent: CLOSED }), [
    "ok network torrent",
    "warning reach by torrent",
    "failed reach (forward a port)",
  ]);
  assert.deepEqual(lines({ torrent: OPEN }).at(-1), "ok reach");
});
