# Replaces node:22-slim if no image can be pulled: the Node of this machine and its npm cache.
FROM openclaw-rl-stand-in/base
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/* \
  && useradd --create-home --uid 1000 node \
  && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY npm-cache /root/.npm
CMD ["node"]
