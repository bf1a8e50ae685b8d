# In the place of ghcr.io/shopify/toxiproxy, where no image can be pulled: our own Toxiproxy under its names.
ARG OWN_IMAGE=openclaw-rl-stand-in/openclaw-rl
FROM ${OWN_IMAGE}
USER root
COPY toxiproxy toxiproxy-cli /
USER node
ENTRYPOINT ["/toxiproxy"]
CMD ["-host=0.0.0.0"]
