#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Pelican federation on loopback that can be told to misbehave: a host with
the discovery document and the director, caches, an origin.

usage: federation.py ROOT CONTROL [--caches N | --cache URL...] [--origin URL]
                     [--old ROOT] [--token TOKEN | --issuer URL] [--lone]
                     [--tls CERTIFICATE KEY] [--listen ADDRESS]

Serves ROOT/ns/... as /ns/... and prints "host PORT", then "NAME PORT" of every
server of its own: a, b, c ..., origin.  With --cache and --origin the director
names other servers (a real XRootD), and there are none here.  With --issuer the
namespace wants tokens of that issuer, which those servers check.  With --lone
the host has no director: it is an origin, and serves the objects itself.

What a server does wrong is read at each request from the file CONTROL/NAME
(CONTROL/host for the director): "FAULT [ARGUMENT]"; without it the server is
honest.  CONTROL/log gets a line a request: server method path range sent-bytes
authorized|plain.

  flip            one bit of every body is wrong
  zeros           every body is zeros
  error-text      an error page, of exactly the length asked for
  in-band N       after N good bytes a whole HTTP error answer, length kept
  old-blocks      128 KiB blocks of the file in --old and of ROOT in turn
  old             the file in --old, whole
  short, long     a body that is too short, too long
  reset N         the connection breaks after N bytes
  silent          the request is read and never answered
  stall N         206, N bytes, and then nothing
  trickle N       N bytes a second
  whole           200 and everything
  off-by-one      another range than asked for, and its Content-Range says so
  lying-range     the same, and Content-Range does not say so
  wrong-total     the object is said to be longer
  status N        an error status
  index-status N  the same, for what ends in .lzi
  refuse          status 403
"""
import argparse
import http.server
import json
import mmap
import os
import re
import socketserver
import ssl
import sys
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("root")
parser.add_argument("control")
parser.add_argument("--caches", type=int, default=3)
parser.add_argument("--cache", action="append")
parser.add_argument("--origin")
parser.add_argument("--old")
parser.add_argument("--token")
parser.add_argument("--issuer")
parser.add_argument("--lone", action="store_true")
parser.add_argument("--listen", default="127.0.0.1")
parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
options = parser.parse_args()

BLOCK = 128 << 10
log_lock = threading.Lock()
ports = {}


def log(*words):
    with log_lock:
        with open(os.path.join(options.control, "log"), "a") as f:
            print(*words, file=f)


def load(path):
    """a file's bytes, of which only those used are read"""
    with open(path, "rb") as f:
        return mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """clients break off on purpose"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = ""

    def log_message(self, *words):
        pass

    def fault(self):
        try:
            with open(os.path.join(options.control, self.name)) as f:
                words = f.read().split()
        except FileNotFoundError:
            words = []
        return (words + ["", ""])[0], int((words + ["0", "0"])[1])

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, document):
        self.answer(200, [("Content-Type", "application/json")],
                    json.dumps(document).encode())

    def token_state(self):
        return "authorized" if self.headers.get("Authorization") else "plain"


class Host(Handler):
    """discovery and director"""

    def version_string(self):
        return "pelican/7.26.0"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        me = "%s://%s:%d" % ("https" if options.tls else "http",
                             self.headers["Host"].rsplit(":", 1)[0],
                             ports["host"])
        log(self.name, self.command, self.path, "-", 0, self.token_state())
        fault, argument = self.fault()
        if path == "/.well-known/pelican-configuration":
            self.answer_json({"director_endpoint": me})
        elif fault == "status":
            self.answer(argument, (), b'{"status":"error","msg":"as told"}')
        elif not path.startswith("/ns/"):
            self.answer(404, (), json.dumps(
                {"status": "error",
                 "msg": "No sources found for the requested path"}).encode())
        else:
            self.direct(path, "directread" in query, me)

    do_HEAD = do_GET

    def direct(self, path, is_direct, me):
        host = me.rsplit(":", 1)[0]
        caches = options.cache or ["%s:%d" % (host, ports[c])
                                   for c in ports
                                   if c not in ("host", "origin")]
        origin = options.origin or "%s:%d" % (host, ports["origin"])
        servers = [origin] if is_direct else caches
        link = ", ".join('<%s%s>; rel="duplicate"; pri=%d; depth=1'
                         % (s, path, i + 1) for i, s in enumerate(servers))
        namespace = "namespace=/ns, require-token=%s" % (
            "true" if options.token or options.issuer else "false")
        headers = [("Location", servers[0] + path), ("Link", link),
                   ("X-Pelican-Namespace", namespace)]
        if options.issuer:
            headers += [
                ("X-Pelican-Authorization", "issuer=" + options.issuer),
                ("X-Pelican-Token-Generation",
                 "issuer=%s, max-scope-depth=3, strategy=OAuth2, "
                 "base-path=/ns" % options.issuer)]
        self.answer(307, headers)


class Place(Handler):
    """a cache or the origin"""

    def version_string(self):
        return "XrootD/fake"

    def do_GET(self):
        path = self.path.partition("?")[0]
        fault, argument = self.fault()
        if fault == "silent":
            time.sleep(600)
        if fault == "refuse" or options.token and self.headers.get(
                "Authorization") != "Bearer " + options.token:
            return self.refuse(403)
        if fault == "index-status" and not path.endswith(".lzi"):
            fault = ""
        if fault in ("status", "index-status"):
            return self.refuse(argument)
        try:
            data = load(options.root + path)
        except (OSError, ValueError):
            return self.refuse(404)
        if fault in ("old", "old-blocks"):
            data = self.age(data, path, fault)
        return self.send(data, fault, argument)

    do_HEAD = do_GET

    def refuse(self, status):
        log(self.name, self.command, self.path, status, 0, self.token_state())
        self.answer(status)
        return None

    @staticmethod
    def age(data, path, fault):
        old = load(options.old + path)
        if fault == "old":
            return old
        old = old[:len(data)].ljust(len(data), b"\0")
        return b"".join((old if i // BLOCK % 2 else data)[i:i + BLOCK]
                        for i in range(0, len(data), BLOCK))

    def send(self, data, fault, argument):
        match = re.fullmatch(r"bytes=(\d+)-(\d+)",
                             self.headers.get("Range", ""))
        first, last, total = 0, len(data) - 1, len(data)
        status = 200
        if match and fault != "whole":
            first, last = int(match[1]), int(match[2])
            if last >= total:
                return self.refuse(416)
            status = 206
        said = first
        if fault in ("off-by-one", "lying-range"):
            first, last = max(first - 1, 0), max(last - 1, 0)
            said = first if fault == "off-by-one" else said
        body = data[first:last + 1]
        if fault == "wrong-total":
            total += 1
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d"
                             % (said, said + len(body) - 1, total))
        if fault == "long":
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(self.spoil(body, fault, argument), len(body), fault,
                           argument)
        log(self.name, self.command, self.path,
            self.headers.get("Range", "-"), len(body), self.token_state())
        return None

    @staticmethod
    def spoil(body, fault, argument):
        error = (b"HTTP/1.1 500 Internal Server Error\r\nConnection: Close\r\n"
                 b"\r\nUnable to read; remote I/O error\n")
        if fault == "flip":
            body = bytearray(body)
            body[len(body) // 2] ^= 0x10
        elif fault == "zeros":
            body = bytes(len(body))
        elif fault == "error-text":
            body = (error * (len(body) // len(error) + 1))[:len(body)]
        elif fault == "in-band":
            body = (body[:argument] + error).ljust(len(body),
                                                   b" ")[:len(body)]
        elif fault == "short":
            body = body[:len(body) // 2]
        elif fault == "long":
            body += b"x" * 100
        return bytes(body)

    def send_body(self, body, size, fault, argument):
        if fault in ("stall", "reset"):
            body = body[:argument]
        try:
            if fault == "trickle":
                for i in range(0, len(body), max(argument // 10, 1)):
                    self.wfile.write(body[i:i + max(argument // 10, 1)])
                    self.wfile.flush()
                    time.sleep(0.1)
            else:
                self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        if fault == "stall":
            time.sleep(600)
        if len(body) != size or fault == "reset":
            self.close_connection = True


class Lone(Place):
    """an origin with a discovery document that names no director"""

    def do_GET(self):
        if self.path != "/.well-known/pelican-configuration":
            return super().do_GET()
        log(self.name, self.command, self.path, "-", 0, self.token_state())
        return self.answer_json({"discovery_endpoint": "https://lone"})

    do_HEAD = do_GET


def start(name, kind):
    handler = type(name, (kind,), {"name": name})
    server = Server((options.listen, 0), handler)
    ports[name] = server.server_address[1]
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        # the handshake is the connection's own thread's, at its first read
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


start("host", Lone if options.lone else Host)
if not options.cache and not options.lone:
    for number in range(options.caches):
        start("abcdefgh"[number], Place)
if not options.origin and not options.lone:
    start("origin", Place)
for server_name, port in ports.items():
    print(server_name, port)
sys.stdout.flush()
threading.Event().wait()
