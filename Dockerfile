# syntax=docker/dockerfile:1
# All images: `make images`, or `docker build --target api .`. Each holds shared/, one function's folder and that function's
# dependency group, nothing else. All of it is compiled: without bytecode a cold start takes three times as long, and the
# root file system is read-only, so that none could be made later.
ARG PYTHON=3.13-slim-trixie
ARG NODE=24-slim

# What runs. The official image leaves the standard library without bytecode.
FROM python:${PYTHON} AS runtime
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash -x '/(test|idlelib|tkinter|ensurepip|site-packages)/' \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && pip uninstall --yes --quiet --root-user-action ignore pip

# What builds, and stays behind.
FROM python:${PYTHON} AS tools
RUN pip install --quiet --no-cache-dir --root-user-action ignore uv==0.13.9
WORKDIR /build
COPY pyproject.toml requirements.lock ./
ENV UV_COMPILE_BYTECODE=1 PYC_INVALIDATION_MODE=UNCHECKED_HASH UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never

# Versions and hashes are those of requirements.lock; what came of them is listed in the image, beside each package's metadata.
FROM tools AS packages-api
# "api arrow": /ohlc answers in Arrow columns too, for 150 MB more.
ARG API_GROUPS=api
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock $(printf -- '--group %s ' ${API_GROUPS}) \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS packages-ingest
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock --group ingest \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS packages-insights
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock --group insights \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS packages-mcp
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock --group mcp \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS packages-migration
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock --group migrate \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS packages-page
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock --group page \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS packages-store
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock --group store \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS packages-token
RUN uv venv /venv \
    && uv pip install --python /venv --constraint requirements.lock --group token \
    && uv pip freeze --python /venv > /venv/requirements.txt

FROM tools AS code
COPY shared /app/shared
COPY functions /app/functions
RUN python -m compileall -q --invalidation-mode unchecked-hash /app

FROM node:${NODE} AS frontend
WORKDIR /frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY frontend .
RUN npm run --silent build

FROM runtime AS function
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=code /app/shared shared
COPY --from=code /app/functions/__init__.py functions/__init__.py
COPY --from=code /app/functions/__pycache__ functions/__pycache__
LABEL org.opencontainers.image.title="StocksALot" org.opencontainers.image.licenses="MIT"
USER 65532:65532
EXPOSE 8080
CMD ["python", "-m", "shared.runtime.server"]

FROM function AS api
ENV FUNCTION_TARGET=api
COPY --from=packages-api /venv /venv
COPY --from=code /app/functions/api functions/api

FROM function AS ingest
ENV FUNCTION_TARGET=ingest
COPY --from=packages-ingest /venv /venv
COPY --from=code /app/functions/ingest functions/ingest

FROM function AS insights
ENV FUNCTION_TARGET=insights
COPY --from=packages-insights /venv /venv
COPY --from=code /app/functions/insights functions/insights

FROM function AS mcp
ENV FUNCTION_TARGET=mcp
COPY --from=packages-mcp /venv /venv
COPY --from=code /app/functions/mcp functions/mcp

FROM function AS page
ENV FUNCTION_TARGET=page
COPY --from=packages-page /venv /venv
COPY --from=code /app/functions/page functions/page
COPY --from=frontend /frontend/build frontend/build

FROM function AS store
ENV FUNCTION_TARGET=store
COPY --from=packages-store /venv /venv
COPY --from=code /app/functions/store functions/store

FROM function AS token
ENV FUNCTION_TARGET=token
COPY --from=packages-token /venv /venv
COPY --from=code /app/functions/token functions/token

# The Job before each deployment.
FROM function AS migration
COPY --from=packages-migration /venv /venv
COPY --from=code /app/functions/store functions/store
CMD ["python", "-m", "functions.store.migrate"]
