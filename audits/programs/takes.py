# Reads takes from standard input and answers them on standard output, many at once.
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

CAPACITY = int(os.environ["OPENCLAW_RL_CAPACITY"])
FILL_MS = int(os.environ["OPENCLAW_RL_FILL_MS"])
PREFIX = os.environ["OPENCLAW_RL_PREFIX"]
URLS = os.environ["OPENCLAW_RL_REDIS"].split(",")
ADDRESSES = [urlparse(url).netloc for url in URLS]
IS_CLUSTER = os.environ["OPENCLAW_RL_REDIS_KIND"] == "cluster"
FILL_S = FILL_MS // 1000


def answer_takes(take, threads=64):
    """Answers each take by `take(user, cost)`, which returns a decision as a dict or raises."""

    def answer(line):
        asked = json.loads(line)
        try:
            reply = take(asked["user"], asked["cost"])
        except Exception as error:
            reply = {"error": repr(error)}
        print(json.dumps({"id": asked["id"], **reply}) + "\n", end="", flush=True)

    if FILL_S * 1000 != FILL_MS:
        print(json.dumps({"error": f"a window of {FILL_MS} ms is not of whole seconds"}), flush=True)
        return
    print('{"ready": true}', flush=True)
    with ThreadPoolExecutor(threads) as pool:
        for line in sys.stdin:
            pool.submit(answer, line)
