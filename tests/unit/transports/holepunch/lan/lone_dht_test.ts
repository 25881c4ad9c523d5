import assert from "node:assert/strict";
import HyperDHT from "../../../../../lib/hyperdht/mod.ts";
import { openLoneDht } from "../../../../../lib/transports/holepunch/lan/lone_dht.ts";
import { UDX } from "@gtr/udx";

const HOST = "127.0.0.1";

Deno.test("lone DHT: who poses as a node isn't told the keys that are listened for", async () => {
  const { dht } = await openLoneDht(HOST);
  const firm = { host: HOST, ephemeral: false, firewalled: false };
  const first = new HyperDHT({ udx: new UDX(), ...firm, bootstrap: [] });
  await first.fullyBootstrapped();
  const bootstrap = [{ host: HOST, port: first.address().port }];
  const stranger = new HyperDHT({ udx: new UDX(), ...firm, bootstrap }) as HyperDHT & {
    ping(to: { host: string; port: number }): Promise<unknown>;
    onrequest: (request: object) => boolean;
  };
  await stranger.fullyBootstrapped();
  const asked: object[] = [];
  stranger.onrequest = (request) => asked.push(request) < 0;
  await stranger.ping({ host: HOST, port: dht.localAddress()!.port });
  await dht.createServer({}, () => {}).listen(HyperDHT.keyPair());
  assert.equal(asked.length, 0);
  await dht.destroy();
  for (const node of [stranger, first]) await node.destroy();
});
