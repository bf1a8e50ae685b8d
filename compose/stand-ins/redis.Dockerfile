# Replaces redis:8 if no image can be pulled: the Redis server of Debian, which our own image has.
FROM openclaw-rl-stand-in/runtime
WORKDIR /data
CMD ["redis-server"]
