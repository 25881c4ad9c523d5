/**
 * The code that gets faults.
 *
 * @module
 */
import { join } from "node:path";

/** Room -> its folders, relative to `lib`, or the files that read what strangers send. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  manifest: ["manifest"],
  store: ["store"],
  engine: ["engine"],
  remote_helper: ["remote_helper"],
  identity: ["identity"],
  torrent: [
    "udx/packet.ts",
    "transports/torrent/address.ts",
    "transports/torrent/addresses.ts",
    "transports/torrent/bencode.ts",
    "transports/torrent/manifest_torrent.ts",
    "transports/torrent/record.ts",
    "transports/torrent/dht/endpoints.ts",
    "transports/torrent/dht/items.ts",
    "transports/torrent/live/hello.ts",
    "transports/torrent/swarm/bitfield.ts",
    "transports/torrent/swarm/extensions.ts",
    "transports/torrent/swarm/first_bytes.ts",
    "transports/torrent/swarm/metainfo.ts",
    "transports/torrent/swarm/notice.ts",
    "transports/torrent/swarm/pex.ts",
    "transports/torrent/swarm/wire.ts",
  ],
  holepunch: [
    "udx/packet.ts",
    "udx/rack.ts",
    "transports/holepunch/asker.ts",
    "transports/holepunch/conversation.ts",
    "transports/shared/item_tree.ts",
    "transports/holepunch/message_limit.ts",
    "transports/holepunch/messages.ts",
    "transports/holepunch/records.ts",
    "transports/holepunch/server.ts",
    "transports/holepunch/lan/beacon.ts",
    "transports/holepunch/lan/records.ts",
  ],
  nostr: [
    "transports/nostr/blossom",
    "transports/nostr/chunks/chunk.ts",
    "transports/nostr/chunks/chunked_files.ts",
    "transports/nostr/events",
    "transports/nostr/names/address.ts",
    "transports/nostr/names/nip05.ts",
    "transports/nostr/publish/store_data.ts",
    "transports/nostr/relays/filter.ts",
    "transports/nostr/relays/message.ts",
    "transports/nostr/relays/sieve.ts",
    "transports/nostr/repositories/announcement.ts",
    "transports/nostr/repositories/binding.ts",
    "transports/nostr/repositories/choose_state.ts",
    "transports/nostr/repositories/lookup.ts",
    "transports/nostr/repositories/manifest_content.ts",
    "transports/nostr/repositories/pack_event.ts",
    "transports/nostr/repositories/state.ts",
    "transports/nostr/urls.ts",
  ],
  default: [
    "transports/default/bundle.ts",
    "transports/default/endpoint.ts",
    "transports/default/places.ts",
    "transports/default/read_manifest.ts",
    "transports/default/reply.ts",
    "transports/default/request_body.ts",
    "transports/default/request_cutter.ts",
    "transports/default/request_path.ts",
    "transports/default/upload_pack.ts",
  ],
};

/**
 * The source files of some rooms, or of a folder or a file that is named instead of a room.
 *
 * @param root the project's folder
 * @param names by default all rooms
 * @returns name -> files, relative to `root`
 */
export async function roomFiles(
  root: string,
  names: readonly string[] = Object.keys(ROOMS),
): Promise<Map<string, string[]>> {
  const rooms = new Map<string, string[]>();
  for (const name of names) {
    const places = ROOMS[name]?.map((place) => `lib/${place}`) ?? [name.replace(/\/$/, "")];
    rooms.set(name, (await Promise.all(places.map((place) => sources(root, place)))).flat());
  }
  return rooms;
}

/** The TypeScript files in a folder, sorted; or the file itself. */
export async function sources(root: string, place: string): Promise<string[]> {
  if (place.endsWith(".ts")) return [place];
  const entries = await Array.fromAsync(Deno.readDir(join(root, place)));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const found = entries.map(({ name, isDirectory }) =>
    isDirectory || /(?<!\.d)\.ts$/.test(name) ? sources(root, `${place}/${name}`) : []
  );
  return (await Promise.all(found)).flat();
}
