# In the place of redis:8, where no image can be pulled: Debian's server.
FROM openclaw-rl-stand-in/base
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*
WORKDIR /data
CMD ["redis-server"]
