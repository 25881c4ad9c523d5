import { NostrNetwork } from "./nostr_nodes.ts";
import { testNetwork } from "./network_contract.ts";

testNetwork("nostr", () => NostrNetwork.start(), ["notices", "put"]);
