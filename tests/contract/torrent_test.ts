import { TorrentNetwork } from "./torrent_nodes.ts";
import { testTransport } from "./transport_contract.ts";

testTransport("torrent", () => Promise.resolve(new TorrentNetwork()), [
  "notices",
  "live",
  "put",
  "seeded",
]);
