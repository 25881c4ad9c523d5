import { TorrentNetwork } from "./torrent_nodes.ts";
import { testNetwork } from "./network_contract.ts";

testNetwork("torrent", () => Promise.resolve(new TorrentNetwork()), [
  "notices",
  "live",
  "put",
  "seeded",
]);
