"""A libtorrent peer: seeds a torrent, or downloads one from a given port.

libtorrent_peer.py seed <torrent file> <directory>            prints "port <n>", runs until killed
libtorrent_peer.py get <torrent file or magnet> <directory> <port> [<host>]   prints "done" when it is
whole; over IPv6 if the host is an IPv6 address
"""
import sys
import time

import libtorrent as lt

mode, source, directory = sys.argv[1:4]
host = sys.argv[5] if len(sys.argv) > 5 else "127.0.0.1"
session = lt.session({
    "listen_interfaces": "[::]:0" if ":" in host else "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "allow_multiple_connections_per_ip": True,
})
if source.startswith("magnet:"):
    parameters = lt.parse_magnet_uri(source)
else:
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(source)
parameters.save_path = directory
if mode == "seed":
    parameters.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(parameters)

if mode == "seed":
    while session.listen_port() == 0 or not handle.status().is_seeding:
        time.sleep(0.05)
    print("port", session.listen_port(), flush=True)
    while True:
        time.sleep(60)

handle.connect_peer((host, int(sys.argv[4])))
while not handle.status().is_seeding:
    time.sleep(0.05)
print("done", flush=True)
