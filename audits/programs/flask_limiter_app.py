# Flask-Limiter: a Flask app with one limited route, asked through its WSGI interface; storage is a Redis Cluster.
from flask import Flask, request
from flask_limiter import Limiter

from takes import ADDRESSES, CAPACITY, FILL_S, IS_CLUSTER, PREFIX, answer_takes

app = Flask(__name__)
scheme = "redis+cluster" if IS_CLUSTER else "redis"
limiter = Limiter(
    lambda: request.headers["user"],
    app=app,
    storage_uri=f"{scheme}://{','.join(ADDRESSES)}",
    strategy="fixed-window",
    key_prefix=PREFIX,
    headers_enabled=True,
)


@app.get("/")
@limiter.limit(f"{CAPACITY} per {FILL_S} second", cost=lambda: int(request.headers["cost"]))
def limited():
    return "ok"


def take(user, cost):
    reply = app.test_client().get("/", headers={"user": user, "cost": str(cost)})
    if reply.status_code not in (200, 429):
        raise RuntimeError(f"status {reply.status_code}: {reply.get_data(as_text=True)[:200]}")
    return {"allowed": reply.status_code == 200}


answer_takes(take)
