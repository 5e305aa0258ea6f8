package nginx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"time"

	"github.com/30x/dispatcher/nginx/internal/proc"
)

// Version gives the output of binary -V, which render.ParseCapabilities reads.
func Version(ctx context.Context, binary string) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // milliseconds are enough
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-V")
	proc.Confine(cmd, "")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask %+q for its version: %w: set NGINX_BINARY to an nginx", binary, missing(binary, err))
	}
	return string(out), nil
}

// missing says what to do if err means that there is no such program.
func missing(binary string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no program %+q: install nginx (apt-get install nginx-light, or apk add nginx), or set NGINX_BINARY to its path: %w", binary, err)
	}
	return err
}
