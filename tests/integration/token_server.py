#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A token server for docker-registry (Docker token authentication), RS256 by
openssl(1), on loopback.

usage: token_server.py PORT KEY CERT --lifetime SECONDS [--basic USER:PASSWORD]"""
import argparse
import base64
import http.server
import json
import subprocess
import sys
import time
import urllib.parse

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("key")
parser.add_argument("cert")
parser.add_argument("--lifetime", type=int, default=60)
parser.add_argument("--basic")
options = parser.parse_args()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


with open(options.cert, encoding="ascii") as f:
    CERT = "".join(line.strip() for line in f if "---" not in line)


def mint(scopes, service):
    now = int(time.time())
    access = []
    for scope in scopes:
        kind, rest = scope.split(":", 1)
        name, actions = rest.rsplit(":", 1)
        access.append({"type": kind, "name": name,
                       "actions": actions.split(",")})
    head = {"typ": "JWT", "alg": "RS256", "x5c": [CERT]}
    body = {"iss": "lazyrun-issuer", "sub": "", "aud": service, "iat": now,
            "nbf": now - 10, "exp": now + options.lifetime, "jti": str(now),
            "access": access}
    text = encode(json.dumps(head).encode()) + "." + \
        encode(json.dumps(body).encode())
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", options.key],
        input=text.encode(), capture_output=True, check=True).stdout
    return text + "." + encode(signature)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        wanted = "Basic " + base64.b64encode(
            (options.basic or "").encode()).decode()
        if options.basic and self.headers.get("Authorization") != wanted:
            self.answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
            return
        scopes = [s for v in query.get("scope", []) for s in v.split()]
        self.answer(200, {"token": mint(scopes, query["service"][0]),
                          "expires_in": options.lifetime})

    def answer(self, status, what):
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text, *args):
        sys.stderr.write(text % args + "\n")
        sys.stderr.flush()


http.server.ThreadingHTTPServer(("127.0.0.1", options.port),
                                Handler).serve_forever()
