#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Pelican federation of one process: discovery, director and cache.

usage: federation.py PORT FOLDER LOG"""
import http.server
import json
import os
import re
import socketserver
import sys

PORT, FOLDER, LOG = int(sys.argv[1]), sys.argv[2], sys.argv[3]
BASE = f"http://127.0.0.1:{PORT}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        with open(LOG, "a") as log:
            log.write(f"{self.command} {self.path} "
                      f"{self.headers.get('Range', '-')}\n")

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/.well-known/pelican-configuration":
            return self.answer(200, {"Content-Type": "application/json"},
                               json.dumps({"director_endpoint": BASE}).encode())
        if path.startswith("/cache/"):
            return self.serve(FOLDER + path[len("/cache"):])
        for prefix in ("/api/v1.0/director/object", "/api/v1.0/director/origin"):
            if path.startswith(prefix + "/"):
                path = path[len(prefix):]
        if not os.path.isfile(FOLDER + path):
            return self.answer(404, {})
        place = f"{BASE}/cache{path}"
        return self.answer(307, {
            "Location": place,
            "Link": f'<{place}>; rel="duplicate"; pri=1; depth=1',
            "X-Pelican-Namespace": "namespace=/ns, require-token=false, "
                                   "collections-url=" + BASE})

    def serve(self, file):
        if not os.path.isfile(file):
            return self.answer(404, {})
        with open(file, "rb") as stream:
            data = stream.read()
        headers = {"ETag": '"%x-%x"' % (len(data), int(os.stat(file).st_mtime)),
                   "Accept-Ranges": "bytes"}
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not span:
            return self.answer(200, headers, data)
        first = int(span[1])
        last = min(int(span[2] or len(data) - 1), len(data) - 1)
        if first > last:
            return self.answer(416, {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return self.answer(206, headers, data[first:last + 1])


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


Server(("127.0.0.1", PORT), Handler).serve_forever()
