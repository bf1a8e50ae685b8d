# Replaces redis:8 if no image can be pulled: the Redis server of Debian.
FROM openclaw-rl-stand-in/base
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*
WORKDIR /data
CMD ["redis-server"]
