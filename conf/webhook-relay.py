#!/usr/bin/env python3
"""Feeds Prometheus' Alertmanager with what VPN Sentinel posts to a webhook.

    webhook-relay.py --port 9095 --secret-file FILE --alertmanager http://127.0.0.1:9093

listens on 127.0.0.1. An event is answered with 204 when Alertmanager has taken it, and with 502 when it has
not: then VPN Sentinel sends it again. docs/webhook.md tells the rest.
"""
import argparse
import base64
import datetime
import hashlib
import hmac
import http.server
import json
import time
import urllib.request

BODY_MAX = 65536  # bytes
CLOCK_SKEW = 300  # seconds that a signature may be old
NEVER = datetime.timedelta(days=365)  # an alert lasts until the event of its end comes

# The trouble that an event begins, and which events end it.
TROUBLES = {
    "offline": ("VPNClientOffline", {"connected", "forgotten"}),
    "dns_leak": ("VPNDNSLeak", {"dns_leak_over", "forgotten"}),
    "ipv6_leak": ("VPNIPv6Leak", {"ipv6_leak_over", "forgotten"}),
    "bypass": ("VPNBypass", {"bypass_over", "forgotten"}),
    "vpn_disconnected": ("VPNDisconnected", {"vpn_reconnected", "forgotten"}),
}


def read_key(path):
    with open(path, encoding="ascii") as file:
        secret = next(line.strip() for line in file if line.strip() and not line.startswith("#"))
    return base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()


def is_genuine(key, headers, body):
    ident, when = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    digest = hmac.new(key, f"{ident}.{when}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "")
    return (hmac.compare_digest(expected.encode(), given.encode()) and when.isdigit()
            and abs(time.time() - int(when)) <= CLOCK_SKEW)


def alerts_of(event):
    """What Alertmanager is told of an event: a list, empty when it is neither begin nor end of a trouble."""
    now = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    alerts = []
    for begin, (name, ends) in TROUBLES.items():
        if event["event"] != begin and event["event"] not in ends:
            continue
        alert = {"labels": {"alertname": name, "client_id": event["client_id"],
                            "server": event["server"]["name"]},
                 "annotations": {"summary": event["message"]}}
        if event["event"] == begin:
            alert["startsAt"] = now.isoformat()
            alert["endsAt"] = (now + NEVER).isoformat()
        else:
            alert["endsAt"] = now.isoformat()
        alerts.append(alert)
    return alerts


def post(url, alerts):
    request = urllib.request.Request(url.rstrip("/") + "/api/v2/alerts", json.dumps(alerts).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass  # another answer than 2xx is an exception


class Relay(http.server.BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_MAX:
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        if not is_genuine(self.server.key, self.headers, body):
            self.send_error(401)
            return
        try:
            alerts = alerts_of(json.loads(body))
            if alerts:
                post(self.server.alertmanager, alerts)
        except (OSError, ValueError, KeyError) as error:
            self.log_error("%s", error)
            self.send_error(502)
            return
        self.send_response(204)
        self.end_headers()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=9095)
    parser.add_argument("--secret-file", required=True)
    parser.add_argument("--alertmanager", default="http://127.0.0.1:9093", metavar="URL")
    options = parser.parse_args()
    with http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Relay) as server:
        server.key = read_key(options.secret_file)
        server.alertmanager = options.alertmanager
        server.serve_forever()


if __name__ == "__main__":
    main()
