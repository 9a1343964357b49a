FROM python:3.13-slim AS build
# With a C compiler the hot path is compiled.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml hatch_build.py ./
COPY proxy proxy
RUN python -m venv /opt/baton && /opt/baton/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/baton /opt/baton
RUN useradd --system --no-create-home --shell /usr/sbin/nologin baton
USER baton
ENV PATH=/opt/baton/bin:$PATH
ENTRYPOINT ["baton"]
CMD ["serve"]
