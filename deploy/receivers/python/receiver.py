"""A receiver in Python 3.9 or newer, without any package.

HOOK_SECRET is the hook's secret (whsec_…), several separated by commas; DATABASE is a SQLite file, PORT where it listens.

    HOOK_SECRET=whsec_… python3 receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 5 * 60
LARGEST_BODY = 1_048_576


def key_of(secret):
    if not secret.startswith("whsec_"):
        sys.exit("HOOK_SECRET: whsec_…, several separated by commas")
    return base64.b64decode(secret[len("whsec_") :])


KEYS = [key_of(secret) for secret in os.environ.get("HOOK_SECRET", "").split(",")]
DATABASE = os.environ.get("DATABASE", "receiver.db")


def connect():
    return sqlite3.connect(DATABASE, timeout=10, isolation_level=None)


def prepare():
    connection = connect()
    connection.executescript(
        """
        pragma journal_mode = wal;
        create table if not exists received (webhook_id text primary key, received_at text not null);
        create table if not exists credentials (
            credential_id text primary key, last_event text not null, occurred_at text not null);
        """
    )
    connection.close()


def is_genuine(headers, body):
    """Standard Webhooks: an HMAC-SHA256 over id, timestamp and body, by one of the secrets, not older than five minutes."""
    webhook_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if not webhook_id or not signatures or not timestamp or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if len(timestamp) > 12 or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    wanted = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in KEYS]
    given = [one[len("v1,") :].encode() for one in signatures.split(" ") if one.startswith("v1,")]
    return any(hmac.compare_digest(one, other) for one in given for other in wanted)


def handle(webhook_id, event):
    """The event's effect and the memory of its id are written in one transaction: both, or neither and it comes again."""
    connection = connect()
    try:
        connection.execute("begin immediate")
        # The same id at every attempt. One that is known has been handled, and is answered like the first time.
        known = connection.execute("select 1 from received where webhook_id = ?", (webhook_id,)).fetchone()
        if known is None:
            connection.execute("insert into received values (?, datetime('now'))", (webhook_id,))
            # Without ordering: credential, an older event can come after a newer one: the newer one stays.
            connection.execute(
                """insert into credentials values (?, ?, ?) on conflict (credential_id) do update
                set last_event = excluded.last_event, occurred_at = excluded.occurred_at
                where excluded.occurred_at >= occurred_at""",
                (event.get("acs_credential_id", ""), event["event_type"], event["occurred_at"]),
            )
        connection.execute("commit")
    finally:
        # Closed without a commit, nothing of it was written.
        connection.close()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdigit():
            # The rest cannot be told from the next request.
            self.close_connection = True
            return self.answer(411)
        if int(length) > LARGEST_BODY:
            self.close_connection = True
            return self.answer(413)
        # The bytes as they came: parsed and written again they would not fit the signature any more.
        body = self.rfile.read(int(length))
        if not is_genuine(self.headers, body):
            return self.answer(401)
        try:
            handle(self.headers["webhook-id"], json.loads(body))
        except Exception as error:  # Anything but a 2xx: seam-relay sends it again.
            print(repr(error), file=sys.stderr)
            return self.answer(500)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    prepare()
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "4000"))), Receiver)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()
