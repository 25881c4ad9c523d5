"""libtorrent as a node of a private DHT: one item of BEP 44, put, got or held; or a torrent seeded.

usage: libtorrent_dht.py BOOTSTRAP get PUBLIC_KEY SALT...
       libtorrent_dht.py BOOTSTRAP put SEED PUBLIC_KEY SALT TEXT
       libtorrent_dht.py BOOTSTRAP get-immutable TARGET
       libtorrent_dht.py BOOTSTRAP put-immutable TEXT
       libtorrent_dht.py BOOTSTRAP seed TORRENT_FILE DIRECTORY
       libtorrent_dht.py none hold

BOOTSTRAP is "host:port", or "[host]:port" for the DHT of IPv6. Keys, targets and values are hex. Prints one line of JSON, get one for each salt; seed and hold then
run until killed.
"""
import hashlib
import json
import os
import sys
import threading
import time

import libtorrent as lt

DEADLINE = time.time() + 160
LIFETIME = 300  # seconds, where nobody kills it


def wait_for(session, *names):
    while time.time() < DEADLINE:
        # wait_for_alert would return an alert of the queue that libtorrent's thread still grows:
        # reading it is a race that ends this process.
        time.sleep(0.01)
        for alert in session.pop_alerts():
            if alert.what() in names:
                yield alert
    raise SystemExit(f"no {names[-1]} in time")


def get_mutable(session, public, salt):
    """The newest item and its bencoded value, after libtorrent has checked the signature."""
    session.dht_get_mutable_item(public, salt)
    values = {}  # alert.item reads strings only: the value is in the packet that has its signature
    for alert in wait_for(session, "dht_pkt", "dht_mutable_item"):
        if alert.what() == "dht_pkt":
            reply = lt.bdecode(alert.pkt_buf).get(b"r", {})
            if b"sig" in reply:
                values[reply[b"sig"]] = lt.bencode(reply[b"v"])
        elif alert.authoritative:
            return alert, values[alert.signature]


def seed(session, torrent, directory):
    """Seeds a torrent, and returns when another node took its announcement."""
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(torrent)
    parameters.save_path = directory
    parameters.flags = lt.torrent_flags.seed_mode  # and not queued: it would refuse peers at first
    session.add_torrent(parameters).force_dht_announce()
    announced = {}  # transaction -> own id
    for alert in wait_for(session, "dht_pkt"):
        packet = lt.bdecode(alert.pkt_buf)
        transaction = packet[b"t"]
        if packet.get(b"q") == b"announce_peer" and alert.message().startswith("==>"):
            announced[transaction] = packet[b"a"][b"id"]
        elif transaction in announced and b"r" in packet:
            if packet[b"r"][b"id"] != announced[transaction]:  # it tells itself, too
                return


def expanded(seed):
    """The 64-byte secret that libtorrent signs with (RFC 8032, 5.1.5)."""
    h = bytearray(hashlib.sha512(seed).digest())
    h[0] &= 248
    h[31] = h[31] & 63 | 64
    return bytes(h)


def text(value):
    return value.decode("latin1") if isinstance(value, bytes) else value


def main(bootstrap, command, *args):
    session = lt.session({
        "listen_interfaces": "[::]:0" if bootstrap.startswith("[") else "127.0.0.1:0",
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        # Everybody here has the same address, and may send more packets than one node should.
        "allow_multiple_connections_per_ip": True,
        "dht_block_ratelimit": 1000,
        "enable_dht": True,
        "dht_bootstrap_nodes": "" if bootstrap == "none" else bootstrap,
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_prefer_verified_node_ids": False,
        "dht_enforce_node_id": False,
        "dht_ignore_dark_internet": False,
        "dht_privacy_lookups": False,
        "alert_mask": lt.alert.category_t.all_categories,
    })
    if command == "hold":
        while session.listen_port() == 0:
            next(wait_for(session, "listen_succeeded"))
        print(json.dumps({"dht": f"127.0.0.1:{session.listen_port()}"}), flush=True)
        threading.Event().wait(LIFETIME)
        return
    host, port = bootstrap.rsplit(":", 1)
    session.add_dht_node((host.strip("[]"), int(port)))
    next(wait_for(session, "dht_bootstrap"))
    if command == "get":
        for salt in args[1:]:
            item, value = get_mutable(session, bytes.fromhex(args[0]), salt)
            print(json.dumps({"seq": item.seq, "salt": text(item.salt), "value": value.hex()}))
    elif command == "put":
        secret, public = bytes.fromhex(args[0]), bytes.fromhex(args[1])
        session.dht_put_mutable_item(expanded(secret), public, args[3], args[2])
        alert = next(wait_for(session, "dht_put"))
        print(json.dumps({"stored": alert.num_success}))
    elif command == "get-immutable":
        session.dht_get_immutable_item(lt.sha1_hash(bytes.fromhex(args[0])))
        alert = next(wait_for(session, "dht_immutable_item"))
        print(json.dumps({"value": text(alert.item["value"])}))
    elif command == "put-immutable":
        target = session.dht_put_immutable_item(args[0])
        alert = next(wait_for(session, "dht_put"))
        print(json.dumps({"stored": alert.num_success, "target": str(target)}))
    elif command == "seed":
        seed(session, *args)
        print(json.dumps({"port": session.listen_port()}), flush=True)
        threading.Event().wait(LIFETIME)


main(*sys.argv[1:])
sys.stdout.flush()
os._exit(0)  # leaving in order would wait for the session, and can crash in it
