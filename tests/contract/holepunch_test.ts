import { HolepunchNetwork } from "./holepunch_nodes.ts";
import { testTransport } from "./transport_contract.ts";

testTransport("holepunch", () => HolepunchNetwork.make(), ["notices", "live", "put", "seeded"]);
