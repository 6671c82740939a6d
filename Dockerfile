# syntax=docker/dockerfile:1
# The production binary alone: no shell, no package manager, not root.
# Needs BuildKit, which `docker build` and Compose v2 use by themselves.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X datapusher/cmd/app.Version=$VERSION" -o /out/datapusher ./cmd/datapusher

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Data Pusher" \
      org.opencontainers.image.description="Receives JSON for an account and delivers it, durably, to every destination of that account." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
COPY --from=build /out/datapusher /usr/local/bin/datapusher
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
EXPOSE 8000
ENTRYPOINT ["/usr/local/bin/datapusher"]
CMD ["serve", "--worker"]
