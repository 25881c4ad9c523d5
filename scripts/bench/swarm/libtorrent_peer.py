"""A libtorrent peer in a swarm.

libtorrent_peer.py make <file> <torrent file> <piece length>
libtorrent_peer.py seed|get <torrent file> <directory> <own address> [<other address>...]

Both print "ready", then read a line; "get" prints "done" when the file is whole. They run until
stdin ends. All peers listen on port 6881.
"""
import sys
import time

import libtorrent as lt

PORT = 6881


def make(source, target, piece_length):
    storage = lt.file_storage()
    lt.add_files(storage, source)
    torrent = lt.create_torrent(storage, int(piece_length), lt.create_torrent.v1_only)
    lt.set_piece_hashes(torrent, source.rsplit("/", 1)[0])
    with open(target, "wb") as file:
        file.write(lt.bencode(torrent.generate()))


def peer(mode, source, directory, own, others):
    session = lt.session({
        "listen_interfaces": f"{own}:{PORT}",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
    })
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(source)
    parameters.save_path = directory
    if mode == "seed":
        parameters.flags |= lt.torrent_flags.seed_mode
    handle = session.add_torrent(parameters)
    while session.listen_port() == 0:
        time.sleep(0.02)
    print("ready", flush=True)
    sys.stdin.readline()
    for other in others:
        handle.connect_peer((other, PORT))
    if mode == "get":
        while not handle.status().is_seeding:
            time.sleep(0.02)
        print("done", flush=True)
    sys.stdin.read()


if sys.argv[1] == "make":
    make(*sys.argv[2:5])
else:
    peer(*sys.argv[1:5], sys.argv[5:])
