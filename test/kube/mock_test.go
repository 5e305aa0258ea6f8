package kube

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// TestMock: DF29. Outside a cluster the current context of kubectl's configuration
// says where the API server is; the configuration is printed, no nginx is
// started, and no file is written.
func TestMock(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop := s.namespace("shop")
	web := shop.pod("web", "/app").run()
	programs, err := findPrograms()
	programs = dispatcher.Need(t, programs, err)
	home := t.TempDir()
	s.must(os.Mkdir(filepath.Join(home, ".kube"), 0o700))
	s.must(s.tokenKubeconfig(s.ctx, filepath.Join(home, ".kube", "config"), "dispatcher", "dispatcher"))

	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, programs.Dispatcher, "run", "--admin-addr=127.0.0.1:0")
	cmd.Env = []string{"HOME=" + home, "WORK_DIR=" + filepath.Join(home, "work"), "NGINX_BINARY=" + filepath.Join(home, "no-nginx")}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	want := fmt.Sprintf("server %s:%d;", web.IP, web.Port)
	var out, log bytes.Buffer
	cmd.Stdout = writer(func(p []byte) (int, error) {
		out.Write(p)
		if strings.Contains(out.String(), want) && strings.Contains(out.String(), shop.host) {
			cancel()
		}
		return len(p), nil
	})
	cmd.Stderr = &log
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != 0 || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), shop.host) {
		t.Errorf("exit code %d, %q is not in:\n%s\nthe log:\n%s", cmd.ProcessState.ExitCode(), want, out.String(), log.String())
	}
	if files, err := os.ReadDir(home); err != nil || len(files) != 1 {
		t.Errorf("it has written files: %v, %v", files, err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
