# docker build -t whimbrel . && docker run --rm -v "$PWD:/work" whimbrel check
# docker build --target git -t whimbrel:git .   for `check --since` and `review`, which ask Git
FROM rust:1-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo install --locked --path . --root /out

FROM debian:stable-slim AS git
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home whimbrel && git config --system --add safe.directory '*'
COPY --from=build /out/bin/whimbrel /usr/local/bin/whimbrel
USER whimbrel
WORKDIR /work
ENTRYPOINT ["whimbrel"]

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/bin/whimbrel /usr/local/bin/whimbrel
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/whimbrel"]
