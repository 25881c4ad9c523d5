import { NostrNetwork } from "./nostr_nodes.ts";
import { testTransport } from "./transport_contract.ts";

testTransport("nostr", () => NostrNetwork.start(), ["notices", "put"]);
