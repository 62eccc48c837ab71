# Production dependencies alone, resolved by the lockfile. The Node that the lockfile carries for the npm
# scripts of older systems is left out: the base image brings its own.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    DATABASE_URL=sqlite:/data/seam-relay.db
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000 3001
STOPSIGNAL SIGTERM
# Node itself asks: the image has no curl. An orchestrator's own probes make this superfluous.
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm in between, so that SIGTERM reaches the relay.
CMD ["node", "--max-semi-space-size=16", "--initial-old-space-size=72", "--max-old-space-size=256", "src/main.ts"]
