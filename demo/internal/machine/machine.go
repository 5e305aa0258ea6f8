// Package machine knows what the demo needs of the machine it runs on: a free
// port, where nginx is, and which one is ours. It installs and configures nothing.
package machine

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/30x/dispatcher/nginx"
)

// KillNginx ends what a Dispatcher that could not end in order has left.
func KillNginx(workDir string) {
	if pid, err := NginxPid(workDir); err == nil {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // nginx has a process group of its own
	}
}

// NginxPid reads the pid of the nginx that works in workDir.
func NginxPid(workDir string) (int, error) {
	file, _, _ := nginx.Paths(workDir)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil && pid <= 1 {
		err = fmt.Errorf("%s holds no pid", file)
	}
	return pid, err
}

// FindNginx returns the absolute path of NGINX_BINARY, if that is set, or of
// nginx. Debian keeps it in /usr/sbin, which is not on every user's PATH.
func FindNginx() (string, error) {
	names := []string{"nginx", "/usr/local/sbin/nginx", "/usr/sbin/nginx"}
	if name := os.Getenv("NGINX_BINARY"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("there is no program %+q: scripts/install-nginx.sh installs nginx; NGINX_BINARY=/path/to/nginx names another one", names[0])
}

// FreePair returns a free port on 127.0.0.1 for TCP and UDP whose next one is free
// for TCP, too: the preferred ones if possible.
func FreePair(ctx context.Context, preferred int) (int, error) {
	for port := preferred; port < preferred+200; port += 2 {
		if free(ctx, "tcp", port) && free(ctx, "udp", port) && free(ctx, "tcp", port+1) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find two free ports in a row: none from %d to %d", preferred, preferred+200)
}

// free reports whether nobody has the port of 127.0.0.1.
func free(ctx context.Context, network string, port int) bool {
	var config net.ListenConfig
	address := fmt.Sprintf("127.0.0.1:%d", port)
	if network == "udp" {
		conn, err := config.ListenPacket(ctx, network, address)
		return err == nil && conn.Close() == nil
	}
	listener, err := config.Listen(ctx, network, address)
	return err == nil && listener.Close() == nil
}

// FreePort returns a free port on 127.0.0.1, the preferred one if possible.
func FreePort(ctx context.Context, preferred int) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", preferred))
	if err != nil {
		listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
