"""libtorrent as a node of a private DHT: one item of BEP 44, put or got.

usage: libtorrent_dht.py BOOTSTRAP get PUBLIC_KEY SALT
       libtorrent_dht.py BOOTSTRAP put SEED PUBLIC_KEY SALT TEXT
       libtorrent_dht.py BOOTSTRAP get-immutable TARGET
       libtorrent_dht.py BOOTSTRAP put-immutable TEXT

Keys and targets are hex. Prints one line of JSON.
"""
import hashlib
import json
import os
import sys
import time

import libtorrent as lt

DEADLINE = time.time() + 40


def wait_for(session, name):
    while time.time() < DEADLINE:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            if alert.what() == name:
                yield alert
    raise SystemExit(f"no {name} in time")


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
        "listen_interfaces": "127.0.0.1:0",
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_dht": True,
        "dht_bootstrap_nodes": bootstrap,
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_prefer_verified_node_ids": False,
        "dht_enforce_node_id": False,
        "dht_ignore_dark_internet": False,
        "dht_privacy_lookups": False,
        "alert_mask": lt.alert.category_t.all_categories,
    })
    host, port = bootstrap.split(":")
    session.add_dht_node((host, int(port)))
    next(wait_for(session, "dht_bootstrap"))
    if command == "get":
        session.dht_get_mutable_item(bytes.fromhex(args[0]), args[1])
        for alert in wait_for(session, "dht_mutable_item"):
            if alert.authoritative:
                # The binding's alert.item reads strings only; the message shows any value.
                print(json.dumps({"seq": alert.seq, "salt": text(alert.salt), "item": alert.message()}))
                return
    elif command == "put":
        seed, public = bytes.fromhex(args[0]), bytes.fromhex(args[1])
        session.dht_put_mutable_item(expanded(seed), public, args[3], args[2])
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


main(*sys.argv[1:])
sys.stdout.flush()
os._exit(0)  # leaving in order would wait for the session, and can crash in it
