# The image of Baton. ./scripts/image performs these very steps on a bare folder, where there is no container engine:
# it reads this file, so keep to the instructions and the paths that it knows.
FROM python:3.13.7-slim-bookworm AS build
WORKDIR /src
# What the base image has installed, before a compiler joins it: for the bill of materials.
RUN cp /var/lib/dpkg/status base-packages
# With a C compiler the hot path is compiled; that it was is checked below.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml hatch_build.py ./
COPY requirements requirements
COPY proxy proxy
COPY scripts/baton_image/bill.py ./
# Every package by version and by hash, wheels alone; then baton itself, whose build fetches nothing more.
RUN python -m venv /opt/baton && python -m venv --without-pip /src/building
RUN /opt/baton/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-compile --require-hashes --only-binary :all: --report report.json -r requirements/baton.txt
RUN /opt/baton/bin/python -m pip --python /src/building/bin/python install --no-cache-dir --disable-pip-version-check --no-compile --require-hashes --only-binary :all: -r requirements/build.txt
RUN /src/building/bin/python -m pip wheel --disable-pip-version-check --no-deps --no-index --no-build-isolation --wheel-dir /src/wheel .
RUN /opt/baton/bin/python -m pip install --disable-pip-version-check --no-deps --no-index --no-compile /src/wheel/*.whl
RUN /opt/baton/bin/python -I -c "from proxy.wire.counting import COMPILED; assert COMPILED"
# Nothing installs anything there any more. And what Python would write beside its sources is there beforehand, and
# is not compared with them again: the tree may be read-only, with whatever times its files have.
RUN /opt/baton/bin/python -m pip uninstall --yes --quiet pip
RUN /opt/baton/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/baton/lib
RUN /opt/baton/bin/python -I bill.py /usr/share/baton/baton.cdx.json --report report.json --base python:3.13.7-slim-bookworm --base-packages base-packages

FROM python:3.13.7-slim-bookworm
COPY --from=build /opt/baton /opt/baton
COPY --from=build /usr/share/baton /usr/share/baton
ENV PATH=/opt/baton/bin:/usr/local/bin:/usr/bin:/bin
ENV PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title="redis-baton"
LABEL org.opencontainers.image.description="A proxy before Redis that hands its clients from one primary to the next, and they do not notice"
LABEL org.opencontainers.image.version="0.1.0"
# A number, so that Kubernetes can tell that it is not root's. No home, no shell, nothing that it may write.
USER 10001:10001
EXPOSE 7000 8080
STOPSIGNAL SIGTERM
# The console stays on loopback of the container: it listens elsewhere only with a password.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["python", "-I", "-c", "import http.client, os, sys; port = int(os.environ.get('BATON_HTTP', ':8080').rpartition(':')[2]); ask = http.client.HTTPConnection('127.0.0.1', port, timeout=2); ask.request('GET', '/livez'); sys.exit(ask.getresponse().status != 200)"]
ENTRYPOINT ["/opt/baton/bin/baton"]
CMD ["serve", "--listen", "0.0.0.0:7000", "--http", "0.0.0.0:8080"]
