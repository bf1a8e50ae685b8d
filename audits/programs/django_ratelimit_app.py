# django-ratelimit: its check, with Django's cache over one Redis server.
import django
from django.conf import settings
from django.test import RequestFactory

from takes import CAPACITY, FILL_S, PREFIX, URLS, answer_takes

settings.configure(
    SECRET_KEY="of an audit",
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": URLS[0],
            "KEY_PREFIX": PREFIX,
        }
    },
)
django.setup()
from django_ratelimit.core import is_ratelimited  # after the settings

requests = RequestFactory()


def take(user, cost):
    if cost != 1:
        raise ValueError("django-ratelimit counts requests: a cost is 1")
    limited = is_ratelimited(
        requests.get("/"),
        group="audit",
        key=lambda group, request: user,
        rate=f"{CAPACITY}/{FILL_S}s",
        increment=True,
    )
    return {"allowed": not limited}


answer_takes(take)
