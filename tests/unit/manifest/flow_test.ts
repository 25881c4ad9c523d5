import assert from "node:assert/strict";
import { flowOf, FLOWS, isAnnounced } from "../../../lib/manifest/flow.ts";

Deno.test("flow: those that are known, and both for any other", () => {
  for (const flow of FLOWS) assert.equal(flowOf({ flow }), flow);
  for (const flow of [undefined, "", "later"]) assert.equal(flowOf({ flow }), "both");
  assert.deepEqual(FLOWS.filter((flow) => isAnnounced({ flow })), ["announce"]);
  assert.equal(isAnnounced({}), false);
});
