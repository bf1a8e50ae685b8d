# Replaces ghcr.io/shopify/toxiproxy if no image can be pulled: the Toxiproxy of openclaw-rl under its file names.
ARG OWN_IMAGE=openclaw-rl-stand-in/openclaw-rl
FROM ${OWN_IMAGE}
USER root
COPY toxiproxy toxiproxy-cli /
USER node
ENTRYPOINT ["/toxiproxy"]
CMD ["-host=0.0.0.0"]
