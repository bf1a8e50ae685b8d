# In the place of node:22-slim, where no image can be pulled: this machine's Node, and the packages it has fetched.
FROM openclaw-rl-stand-in/base
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/* \
  && useradd --create-home --uid 1000 node \
  && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY npm-cache /root/.npm
CMD ["node"]
