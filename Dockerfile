# check=error=true

# The image serves as the unprivileged user 101 on ports 80 and up, with a read-only root
# filesystem if wanted: everything it writes goes to WORK_DIR. See deploy/ for how to run it.

# Binaries are cross-compiled: the builder runs on the machine's own platform, whatever the target.
FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS build
WORKDIR /src
# Modules first: they stay cached until go.mod or go.sum changes.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w -X main.version=${VERSION}" -o /dispatcher ./cmd/dispatcher

# Pinned to nginx's stable branch: rebuild to get its security fixes.
FROM nginx:1.30-alpine
COPY --from=build /dispatcher /usr/local/bin/dispatcher
# Ports below 1024 need NET_BIND_SERVICE. Kubernetes grants it to the container, but the kernel
# takes it from an unprivileged process at exec, unless the program's file carries it too. This
# gives nothing new, so it holds under no_new_privs (allowPrivilegeEscalation: false): permitted
# stays permitted. dispatcher only passes it on to nginx, so it needs p and not e: without the
# capability "render" and "version" still run; nginx doesn't, on whatever port.
RUN apk add --no-cache --virtual .setcap libcap-setcap \
    && setcap cap_net_bind_service=+p /usr/local/bin/dispatcher cap_net_bind_service=+ep /usr/sbin/nginx \
    && apk del .setcap \
    && rm -rf /etc/nginx/* \
    && chown 101:101 /etc/nginx
ENV WORK_DIR=/etc/nginx
# By number, so that runAsNonRoot can be checked without reading /etc/passwd.
USER 101:101
EXPOSE 80 443
# nginx's image asks for SIGQUIT, which means a Go program no good.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/dispatcher"]
CMD ["run"]
