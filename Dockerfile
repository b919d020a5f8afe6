# Two stages: compile with everything, run with what is needed. The root file system may be read-only: the program writes
# to /var/lib/gitmend (mount a volume there) and /tmp only. Kubernetes probes /healthz and /readyz; there is no HEALTHCHECK.
FROM node:24-bookworm-slim AS build
WORKDIR /opt/gitmend
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY schemas schemas
COPY src src
RUN npm run build && npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="gitmend" \
      org.opencontainers.image.description="GitOps-driven remediation controller for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /var/lib/gitmend \
 && chown node:node /var/lib/gitmend
WORKDIR /opt/gitmend
COPY --from=build /opt/gitmend/node_modules node_modules
COPY --from=build /opt/gitmend/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY scripts/require-node.cjs scripts/
COPY schemas schemas
COPY templates templates
COPY policies policies
ENV NODE_ENV=production \
    HOME=/tmp \
    GITMEND_DATA_DIR=/var/lib/gitmend
RUN ln -s /opt/gitmend/bin/gitmend /usr/local/bin/gitmend
USER 1000:1000
WORKDIR /var/lib/gitmend
EXPOSE 8080
ENTRYPOINT ["gitmend"]
CMD ["run"]
