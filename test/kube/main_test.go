package kube

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// folder is where Dispatcher is built and the cluster keeps its files.
var folder string

// running is the cluster, if a test has needed it.
var running *cluster

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // envtest's
	err := more()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if folder, err = os.MkdirTemp("", "k"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	var err1, err2 error
	if running != nil {
		err1 = running.stop()
	}
	if broken != nil {
		err2 = broken.stop()
	}
	if err := errors.Join(err1, err2); err != nil {
		fmt.Fprintln(os.Stderr, "stop the cluster:", err)
		code = 1
	}
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// more lets more tests run at once than there are processors, unless -parallel says
// how many: they mostly wait.
func more() error {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if chosen {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(max(6, runtime.GOMAXPROCS(0))))
}

var findPrograms = sync.OnceValues(func() (dispatcher.Programs, error) {
	return dispatcher.FindPrograms(context.Background(), filepath.Join("..", ".."), folder)
})

var startShared = sync.OnceValues(func() (*cluster, error) {
	var err error
	running, err = startCluster(os.Getenv("KUBEBUILDER_ASSETS"), folder)
	return running, err
})

// needAssets gives the folder of the cluster's programs. Without them the test is
// skipped, but not in CI.
func needAssets(t testing.TB) string {
	t.Helper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		const advice = "KUBEBUILDER_ASSETS is not set, so there is no API server to test with: use make test, or set it to the folder that scripts/kube-assets.sh prints"
		if os.Getenv("CI") == "true" {
			t.Fatal(advice)
		}
		t.Skip(advice)
	}
	return assets
}

// needCluster starts the cluster.
func needCluster(t testing.TB) *cluster {
	t.Helper()
	needAssets(t)
	c, err := startShared()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// need skips the test without a program of the cluster, but not in CI: assets
// from elsewhere may lack some.
func (c *cluster) need(t testing.TB, program string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(c.assets, program)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v: unset KUBEBUILDER_ASSETS and use make test to have it built", err)
	}
}
