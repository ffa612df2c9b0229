# The bridge in an image: no build tools, no root, nothing written but /var/lib/bridge (and /tmp, which may be a tmpfs).
#
#     docker build --tag bridge .
#     docker run --publish 127.0.0.1:8000:8000 --volume bridge:/var/lib/bridge --read-only --tmpfs /tmp \
#         --env BRIDGE_ACCESS=jwt --env BRIDGE_SECRETS_DIR=/run/secrets --volume ./secrets:/run/secrets:ro bridge
#
# compose.yaml has two of them with a PostgreSQL and a proxy.

ARG PYTHON=3.13
ARG NODE=22

FROM node:${NODE}-slim AS pages
WORKDIR /build/bridge/console/web
COPY bridge/console/web/package.json bridge/console/web/package-lock.json ./
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY docs/contract /build/docs/contract
COPY bridge/console/web ./
RUN npm run build

FROM python:${PYTHON}-slim AS built
WORKDIR /build
RUN python -m venv /opt/bridge
COPY requirements.lock ./
RUN /opt/bridge/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY LICENSE README.md pyproject.toml hatch_build.py ./
COPY config config
COPY deploy deploy
COPY coordinator coordinator
COPY providers providers
COPY bridge bridge
COPY docs docs
COPY --from=pages /build/bridge/console/dist bridge/console/dist
RUN touch bridge/console/dist/index.html \
    && /opt/bridge/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/bridge/bin/pip uninstall --yes hatchling editables packaging pathspec pluggy tomlkit trove-classifiers pip \
    && /opt/bridge/bin/python -m compileall -q -j 0 /opt/bridge/lib

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="bridge" \
      org.opencontainers.image.description="Webhooks of payment providers, live for buyers, sellers and finance" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/bridge --shell /usr/sbin/nologin bridge \
    && install --directory --owner bridge --group bridge --mode 0700 /var/lib/bridge
COPY --from=built /opt/bridge /opt/bridge
ENV PATH=/opt/bridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BRIDGE_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/bridge
VOLUME /var/lib/bridge
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=6s --start-period=30s \
    CMD ["python", "-c", "import http.client, os; asked = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('BRIDGE_PORT', 8000)), timeout=5); asked.request('GET', '/health/ready'); raise SystemExit(asked.getresponse().status != 200)"]
ENTRYPOINT ["bridge"]
CMD ["serve"]
