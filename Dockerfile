# docker build -t whimbrel . && docker run --rm -v "$PWD:/work" whimbrel check
FROM rust:1-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo install --locked --path . --root /out

FROM debian:stable-slim
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/* && useradd --create-home whimbrel
COPY --from=build /out/bin/whimbrel /usr/local/bin/whimbrel
USER whimbrel
WORKDIR /work
ENTRYPOINT ["whimbrel"]
