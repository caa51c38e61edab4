# All images: `make images`. One function: `docker build --build-arg FUNCTION=api .` An image holds shared/, one function's
# folder and that function's dependency group, nothing else. Everything is compiled: without bytecode a cold start takes
# three times as long, and the root file system is read-only at run time.
#
# Layers are the same on every machine and at every time: file modes and times are set here, and bytecode is checked by no
# time stamp. So a node that has one image, or last month's, has most layers of the next.
# `make images PUSH=1` gives both by digest: all images of a release are made of the same ones.
ARG PYTHON=python:3.13-slim-trixie
ARG NODE=node:24-slim
# stateful: with the clients of Postgres and Redis; server: without.
ARG BASIS=stateful

FROM ${PYTHON} AS runtime
# The official image leaves the standard library without bytecode. -B: Python would write some of it first, with time stamps.
RUN touch /tmp/start \
    && python -B -m compileall -q -f -j 0 --invalidation-mode unchecked-hash \
        -x '/(test|idlelib|tkinter|ensurepip|site-packages|dist-packages)/' \
        "$(python -B -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && find /usr -newer /tmp/start -exec touch -h -d @0 {} + \
    && rm /tmp/start && touch -d @0 /tmp

FROM ${PYTHON} AS tools
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends binutils >/dev/null && rm -rf /var/lib/apt/lists/*
RUN pip install --quiet --no-cache-dir --root-user-action ignore uv==0.13.9
WORKDIR /build
COPY pyproject.toml requirements.lock image-excludes.txt image-prunes.txt ./
ENV UV_COMPILE_BYTECODE=1 PYC_INVALIDATION_MODE=UNCHECKED_HASH UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never

# What several functions need is one layer for all of them: the server, then the clients of Postgres and Redis.
FROM tools AS server-packages
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv --quiet /venv \
    && uv pip install --quiet --python /venv --constraint requirements.lock --excludes image-excludes.txt --group server \
    && cd /venv && strip lib/python3*/site-packages/uvloop/*.so lib/python3*/site-packages/httptools/parser/*.so \
    && find . -type f -exec sha256sum {} + > /below.sum && find . -exec touch -h -d @0 {} +

FROM server-packages AS stateful-packages
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --quiet --python /venv --constraint requirements.lock --excludes image-excludes.txt --group stateful \
    && cd /venv && sha256sum --check /below.sum 2>/dev/null | sed -n 's/: OK$//p' | xargs -r -d '\n' rm \
    && find . -type f -exec sha256sum {} + >> /below.sum && find . -exec touch -h -d @0 {} +

# The two layers below are whole again here, and what they hold is taken out of the third. Versions and hashes are those of
# requirements.lock; each image lists its packages in /venv/requirements.txt.
FROM ${BASIS}-packages AS packages
ARG FUNCTION
# GROUPS="api arrow": /ohlc answers in Arrow columns too, for 150 MB more.
ARG GROUPS=${FUNCTION}
COPY --from=server-packages /venv /venv
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --quiet --python /venv --constraint requirements.lock --excludes image-excludes.txt $(printf -- '--group %s ' ${GROUPS}) \
    && uv pip freeze --quiet --python /venv > /venv/requirements.txt \
    && for path in $(sed '/^#/d' image-prunes.txt); do rm -rf /venv/lib/python3*/site-packages/${path}; done \
    && cd /venv && sha256sum --check /below.sum 2>/dev/null | sed -n 's/: OK$//p' | xargs -r -d '\n' rm \
    && find . -depth -type d -empty -delete && find . -exec touch -h -d @0 {} +

# Neither code nor page is made of machine code: they are built once for all platforms.
FROM --platform=${BUILDPLATFORM} ${PYTHON} AS code
COPY shared /app/shared
COPY functions /app/functions
RUN python -B -m compileall -q --invalidation-mode unchecked-hash /app && chmod -R u=rwX,go=rX /app

FROM code AS app
ARG FUNCTION
WORKDIR /image/app
RUN mkdir functions && cp -r /app/shared . && cp -r /app/functions/__* /app/functions/${FUNCTION} functions \
    && find . -exec touch -h -d @0 {} +

FROM --platform=${BUILDPLATFORM} ${NODE} AS frontend
WORKDIR /frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
COPY frontend .
RUN npm run --silent build && mkdir -p /image/app/frontend && cp -r build /image/app/frontend \
    && chmod -R u=rwX,go=rX /image && find /image -exec touch -h -d @0 {} +

FROM runtime AS server
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=server-packages /venv /venv
EXPOSE 8080
CMD ["python", "-m", "shared.runtime.server"]

FROM server AS stateful
COPY --from=stateful-packages /venv /venv

FROM ${BASIS} AS image
ARG FUNCTION
ARG REVISION=unknown
ARG VERSION=unknown
ARG SOURCE=unknown
ARG PYTHON
COPY --from=packages /venv /venv
COPY --from=app /image /
WORKDIR /app
ENV FUNCTION_TARGET=${FUNCTION}
USER 65532:65532
LABEL org.opencontainers.image.title="StocksALot ${FUNCTION}" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.base.name="${PYTHON}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.version="${VERSION}"

# Everything on one machine, behind one port: compose.yaml runs it.
FROM tools AS runner-packages
# The same as in the Makefile.
ARG RUN_GROUPS="alerts api apprise arrow files ingest insights mcp store token local"
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv --quiet /venv \
    && uv pip install --quiet --python /venv --constraint requirements.lock $(printf -- '--group %s ' ${RUN_GROUPS}) \
    && find /venv -exec touch -h -d @0 {} +

# What is copied from the checkout has the checkout's modes: nobody else could read it after umask 077.
FROM code AS runner-code
COPY knative /app/knative
RUN chmod -R u=rwX,go=rX /app/knative

FROM runtime AS runner
ARG REVISION=unknown
ARG VERSION=unknown
ARG SOURCE=unknown
ARG PYTHON
# Postgres and Redis come as packages of Python; the server of Postgres wants its user to have a name.
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends rabbitmq-server >/dev/null \
    && rm -rf /var/lib/apt/lists/* && useradd --uid 65532 --home-dir /data --create-home stocksalot
COPY --from=runner-packages /venv /venv
COPY --from=runner-code /app /app
COPY --from=frontend /image /
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/data
USER 65532:65532
VOLUME /data
EXPOSE 8080
# The page answers from its own files: asking for it wakes no function that reads the database.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/robots.txt', timeout=8)"]
CMD ["python", "-m", "knative.local", "up", "--host", "0.0.0.0", "--port", "8080", "--folder", "/data/stocksalot", "--yes"]
LABEL org.opencontainers.image.title="StocksALot" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.base.name="${PYTHON}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.version="${VERSION}"

FROM image AS page
COPY --from=frontend /image /

# The Job before each deployment: store's code with another command.
FROM image AS migration
CMD ["python", "-m", "functions.store.migrate"]

FROM image AS function
