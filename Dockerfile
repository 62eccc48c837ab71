# Production dependencies alone, resolved by the lockfile. The Node that the lockfile carries for the npm
# scripts of older systems is left out: the base image brings its own.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force

FROM node:24-bookworm-slim
# Which sources the image is made of: docker build --build-arg REVISION="$(git rev-parse HEAD)" …
ARG REVISION=unknown
LABEL org.opencontainers.image.title="seam-relay" \
      org.opencontainers.image.description="Takes custody of Seam's credential webhooks and hands them on: verified, deduplicated, durable, delivered at least once." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="docker.io/library/node:24-bookworm-slim"
ENV NODE_ENV=production \
    DATABASE_URL=sqlite:/data/seam-relay.db
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
# The commands, as "docker compose exec seam-relay relay COMMAND".
RUN mkdir /data node_modules/.cache && chown node:node /data node_modules/.cache \
  && printf '%s\n' '#!/bin/sh' \
    'exec node --import /app/src/node-version.js --import /app/src/compile-cache.js /app/src/commands/main.ts "$@"' \
    > /usr/local/bin/relay && chmod 755 /usr/local/bin/relay
USER node
# Starts the relay once and stops it, as the user and with the options that it runs with: that leaves Node's compile
# cache in node_modules/.cache, and every start of the image reads it instead of stripping types and compiling. A command
# is run for the same reason.
RUN export SEAM_WEBHOOK_SECRET="whsec_$(head -c 24 /dev/urandom | base64)" HOOKS='[]' HOST=127.0.0.1 PORT=0 OPERATOR_PORT=0 \
      DATABASE_URL=sqlite:/tmp/first/relay.db \
  && mkdir /tmp/first && touch /tmp/first/log \
  && { sh -c "exec $(node -p "require('./package.json').scripts.start")" >/tmp/first/log & relay=$!; } \
  && until grep -q listening /tmp/first/log; do kill -0 "$relay" && sleep 0.1 || exit 1; done \
  && kill "$relay" && wait "$relay" && relay check \
  && rm -r /tmp/first && test -n "$(ls node_modules/.cache/compile)"
VOLUME /data
EXPOSE 3000 3001
STOPSIGNAL SIGTERM
# Node itself asks: the image has no curl. An orchestrator's own probes make this superfluous.
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The start script of package.json, word by word: without a shell and npm in between, SIGTERM reaches the relay.
CMD ["node", "--max-semi-space-size=16", "--initial-old-space-size=72", "--max-old-space-size=256", "--import", "./src/node-version.js", "--import", "./src/compile-cache.js", "src/main.ts"]
