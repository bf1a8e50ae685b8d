# Answers takes by an HTTP server of this program's own, on a Unix socket in a temporary folder.
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.client import HTTPConnection

from takes import answer_takes

START_S = 8  # a program may take 10 s to be ready


def serve(make_command, make_config):
    """Starts `make_command(config)`, whose file `make_config(folder, socket)` writes, and asks it: 200 allows, 429 denies."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder:
        guard = remove_when_killed(folder)
        path, config = f"{folder}/http.sock", f"{folder}/server.conf"
        with open(config, "w") as file:
            file.write(make_config(folder, path))
        end_with_parent = partial(ctypes.CDLL(None).prctl, 1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        server = subprocess.Popen(make_command(config), stdout=sys.stderr, preexec_fn=end_with_parent)
        try:
            wait_for(path, server)
            connections = threading.local()
            answer_takes(lambda user, cost: ask(connections, path, user, cost))
        finally:
            server.terminate()
            server.wait()
            guard.stdin.close()
            guard.wait()


def remove_when_killed(folder):
    """A shell that removes the folder once this process, which has to keep the result, has ended."""
    command = ["/bin/sh", "-c", 'read -r _; rm -rf "$1"', "sh", folder]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr, start_new_session=True)


def wait_for(path, server):
    deadline = time.monotonic() + START_S
    while not os.path.exists(path):
        time.sleep(0.02)
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.args[0]} does not listen: {server.returncode}")


class UnixConnection(HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


def ask(connections, path, user, cost):
    if cost != 1:
        raise ValueError("the server counts requests: a cost is 1")
    connections.mine = getattr(connections, "mine", None) or UnixConnection(path, timeout=5)
    try:
        connections.mine.request("GET", "/", headers={"Host": "audit", "X-User": user})
        reply = connections.mine.getresponse()
        reply.read()
    except Exception:
        connections.mine.close()  # the next request opens it again
        raise
    if reply.status not in (200, 429):
        raise RuntimeError(f"status {reply.status}")
    return {"allowed": reply.status == 200}
