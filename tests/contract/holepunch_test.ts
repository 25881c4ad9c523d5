import { HolepunchNetwork } from "./holepunch_nodes.ts";
import { testNetwork } from "./network_contract.ts";

testNetwork("holepunch", () => HolepunchNetwork.make(), ["notices", "live", "put", "seeded"]);
