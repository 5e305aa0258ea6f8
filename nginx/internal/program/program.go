// Package program runs nginx's program for a moment, to ask it something. Its name
// enters; what it says leaves. It never starts one that serves.
package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"syscall"
	"time"

	"github.com/30x/dispatcher/nginx/internal/proc"
)

// Version gives the output of binary -V.
func Version(ctx context.Context, binary string) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // milliseconds are enough
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-V")
	proc.Confine(cmd, "")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask %+q for its version: %w: set NGINX_BINARY to an nginx", binary, Missing(binary, err))
	}
	return string(out), nil
}

// Test has nginx read the configuration at path, in the folder dir, and gives what
// it said. It has no input, and no more of root's rights than it needs. If it takes it, err is nil; if it ended with another verdict, err is an
// *exec.ExitError, as it also is if ctx has ended meanwhile.
func Test(ctx context.Context, binary, dir, path string) (said string, err error) {
	recorder := proc.NewRecorder(nil)
	cmd := exec.CommandContext(ctx, binary, "-t", "-q", "-c", path, "-p", dir, "-e", "stderr")
	proc.Confine(cmd, dir)
	cmd.Stderr = recorder
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = confined(needed(), cmd.Run)
	return recorder.String(), Missing(binary, err)
}

// Missing says what to do if err means that there is no such program; any other
// error, or nil, it gives back.
func Missing(binary string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no program %+q: install nginx (apt-get install nginx-light, or apk add nginx), or set NGINX_BINARY to its path: %w", binary, err)
	}
	return err
}
