# The operator of ChatClusters: one static program and nothing else that runs, under a user who is nobody.
#
#   docker build -f docker/operator.Dockerfile -t chatcluster.local/operator:0.1.0 .
#     builds it from this checkout, here in the containers;
#   docker build -f docker/operator.Dockerfile --target prebuilt -t chatcluster.local/operator:0.1.0 FOLDER
#     packs what FOLDER holds: chat-operator, a static program, and the certificates that TLS to Redis trusts; make/images does it so.

# First, so that builders that go through a file from its top need nothing else for it.
FROM scratch AS prebuilt
COPY . /
USER 65532:65532
EXPOSE 9090
ENTRYPOINT ["/chat-operator"]

FROM docker.io/library/rust:1-bookworm AS build
WORKDIR /source
COPY . .
# Statically linked against the C library, so that it runs from scratch. The target is named, so that build scripts and macros are not.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" && \
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$target" -p chat-operator && \
    install -D "target/$target/release/chat-operator" /out/chat-operator && \
    install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt

FROM scratch
COPY --from=build /out /
USER 65532:65532
EXPOSE 9090
ENTRYPOINT ["/chat-operator"]
