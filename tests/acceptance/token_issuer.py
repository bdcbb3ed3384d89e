#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An issuer of tokens, as a federation's namespaces have them: JWTs signed by
ES256, and the documents by which a server finds the key.  Needs openssl alone.

  token_issuer.py key FILE              make a private key
  token_issuer.py serve KEY TLS_CERTIFICATE TLS_KEY
      print "PORT", then serve by https on loopback, for https://127.0.0.1:PORT:
      /.well-known/openid-configuration and /jwks
  token_issuer.py sign KEY [NAME=VALUE...]
      print a token with these claims; iat, nbf and exp are seconds from now,
      exp is an hour if not said
"""
import base64
import http.server
import json
import ssl
import subprocess
import sys
import time
import uuid

HALF = 32  # bytes of either number of a signature on P-256


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, data=None):
    return subprocess.run(("openssl",) + words, input=data, check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def public_point(key):
    """the two coordinates: the last 64 bytes of the public key's DER"""
    return openssl("pkey", "-in", key, "-pubout", "-outform",
                   "DER")[-2 * HALF:]


def raw_signature(der):
    """SEQUENCE { INTEGER r, INTEGER s } as the two numbers side by side"""
    numbers, off = b"", 2
    for _ in range(2):
        size = der[off + 1]
        number = der[off + 2:off + 2 + size].lstrip(b"\0")
        numbers += number.rjust(HALF, b"\0")
        off += 2 + size
    return numbers


def sign(key, words):
    now = int(time.time())
    claims = {"exp": "3600", "nbf": "-10", "iat": "-10",
              "jti": str(uuid.uuid4())}
    claims.update(word.split("=", 1) for word in words)
    for name in ("exp", "nbf", "iat"):
        claims[name] = now + int(claims[name])
    head = encode(json.dumps({"alg": "ES256", "typ": "JWT",
                              "kid": "one"}).encode())
    text = head + "." + encode(json.dumps(claims).encode())
    der = openssl("dgst", "-sha256", "-sign", key, data=text.encode())
    print(text + "." + encode(raw_signature(der)))


class Issuer(http.server.BaseHTTPRequestHandler):
    key = ""

    def do_GET(self):
        me = "https://127.0.0.1:%d" % self.server.server_address[1]
        point = public_point(self.key)
        documents = {
            "/.well-known/openid-configuration": {
                "issuer": me, "jwks_uri": me + "/jwks"},
            "/jwks": {"keys": [{
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                "kid": "one", "x": encode(point[:HALF]),
                "y": encode(point[HALF:])}]},
        }
        document = documents.get(self.path)
        body = json.dumps(document).encode()
        self.send_response(200 if document else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def serve(key, certificate, tls_key):
    Issuer.key = key
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tls_key)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if len(sys.argv) == 3 and sys.argv[1] == "key":
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out",
            sys.argv[2])
elif len(sys.argv) == 5 and sys.argv[1] == "serve":
    serve(*sys.argv[2:])
elif len(sys.argv) >= 3 and sys.argv[1] == "sign":
    sign(sys.argv[2], sys.argv[3:])
else:
    sys.exit(__doc__)
