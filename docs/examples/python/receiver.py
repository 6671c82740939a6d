"""A destination in Python, without a library: it verifies each request's signature.

    WEBHOOK_SECRET=whsec_… python3 docs/examples/python/receiver.py

Behind Django or Flask, verify the body's bytes as they came (request.body,
request.get_data()), before anything parses them.
"""

import base64
import hashlib
import hmac
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE = 300  # seconds: an older request is somebody's copy


def verify(headers, signed: bytes) -> bool:
    """Whether the destination's owner has sent what is signed: the body, or for a GET the query string."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    mac = hmac.new(SECRET, f"{message_id}.{timestamp}.".encode() + signed, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(mac).decode()
    # While a secret is being rotated there are two signatures; one has to be right.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(one.encode(), expected.encode()) for one in given)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is signed, and 401 to everything else."""

    protocol_version = "HTTP/1.1"

    def receive(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = self.path.partition("?")[2].encode()
        right = verify(self.headers, query if self.command == "GET" else body)
        # The same event may come twice, with the same webhook-id: remember those that are done.
        print(self.headers.get("webhook-id") if right else "refused", body.decode(), flush=True)
        self.send_response(204 if right else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = receive

    def log_message(self, *args):
        """What is printed is enough."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
