#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web server that answers closed ranges of the files in a directory, with
ETag and Last-Modified, and writes a line for each request.

usage: range_server.py DIR LOG READY_FILE [WAIT_MS]

Each line of LOG: METHOD PATH RANGE STATUS BYTES, "-" for no range.  The port
is written to READY_FILE once it listens.  An answer begins after WAIT_MS."""
import email.utils
import http.server
import os
import re
import sys
import time

folder, log_path, ready = sys.argv[1:4]
wait_s = int(sys.argv[4]) / 1000 if len(sys.argv) > 4 else 0
log = open(log_path, "a", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        log.write(f"{self.command} {self.path} {self.headers.get('Range', '-')} "
                  f"{status} {len(body)}\n")

    def do_GET(self):
        time.sleep(wait_s)
        path = os.path.join(folder, os.path.basename(self.path.split("?")[0]))
        if not os.path.isfile(path):
            return self.answer(404, [], b"no such file\n")
        st = os.stat(path)
        headers = [("ETag", f'"{st.st_mtime_ns:x}-{st.st_size:x}"'),
                   ("Last-Modified", email.utils.formatdate(st.st_mtime, usegmt=True)),
                   ("Accept-Ranges", "bytes")]
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        with open(path, "rb") as f:
            if not asked:
                return self.answer(200, headers, f.read())
            first, last = int(asked[1]), min(int(asked[2]), st.st_size - 1)
            if first > last:
                return self.answer(416, [("Content-Range", f"bytes */{st.st_size}")], b"")
            f.seek(first)
            headers.append(("Content-Range", f"bytes {first}-{last}/{st.st_size}"))
            return self.answer(206, headers, f.read(last - first + 1))

    do_HEAD = do_GET


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(ready + ".tmp", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(ready + ".tmp", ready)
server.serve_forever()
