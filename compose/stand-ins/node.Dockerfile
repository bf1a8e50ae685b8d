# Replaces node:22-trixie-slim if no image can be pulled: the Node of this machine and its npm cache.
FROM openclaw-rl-stand-in/debian
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY npm-cache /root/.npm
CMD ["node"]
