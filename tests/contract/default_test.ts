import { DefaultNetwork } from "./default_nodes.ts";
import { testNetwork } from "./network_contract.ts";

testNetwork("default", () => Promise.resolve(new DefaultNetwork()), ["live", "seeded"]);
