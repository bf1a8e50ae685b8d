# limits: the strategy that the argument names, over RedisClusterStorage or RedisStorage.
import sys

from limits import RateLimitItemPerSecond, storage, strategies

from takes import ADDRESSES, CAPACITY, FILL_S, IS_CLUSTER, PREFIX, answer_takes

scheme = "redis+cluster" if IS_CLUSTER else "redis"
store = storage.storage_from_string(f"{scheme}://{','.join(ADDRESSES)}")
limiter = strategies.STRATEGIES[sys.argv[1]](store)
item = RateLimitItemPerSecond(CAPACITY, FILL_S, namespace=PREFIX)


def take(user, cost):
    return {"allowed": limiter.hit(item, user, cost=cost)}


answer_takes(take)
