import { DefaultNetwork } from "./default_nodes.ts";
import { testTransport } from "./transport_contract.ts";

testTransport("default", () => Promise.resolve(new DefaultNetwork()), ["live", "seeded"]);
