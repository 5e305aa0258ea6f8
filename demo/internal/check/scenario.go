package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/30x/dispatcher/demo/internal/authority"
	"github.com/30x/dispatcher/demo/internal/machine"
	"github.com/30x/dispatcher/demo/internal/tour"
)

// host is the one that the scenario asks, unless it is about another one.
const host = "test.k8s.local"

// missing is a path that is not served.
func missing(path string) tour.Visit {
	return tour.Visit{Host: host, Path: path, Want: tour.Outcome{Status: 404}}
}

// served is a path that one Pod serves, and sees unchanged.
func served(path, pod string) tour.Visit {
	return tour.Visit{Host: host, Path: path, Want: tour.Outcome{Status: 200, Pods: map[string]int{pod: 1}, Path: path}}
}

// scenario is all that the check does, in order. Steps that can, run after one
// that has failed.
func (k *checker) scenario(ctx context.Context, c Config) {
	if !k.step(ctx, "the demo starts, and prints every command with its answer",
		k.starts(c), k.tells("Ctrl-C ends the demo"), k.prints) {
		return
	}
	for _, v := range tour.All(k.site) {
		k.step(ctx, v.Shows, k.gives(v))
	}
	k.scale(ctx)
	k.edit(ctx)
	k.keyed(ctx)
	k.takeover(ctx)
	k.outside(ctx)
	k.damage(ctx)
	k.certify(ctx)
	k.step(ctx, "deleted blog.yaml: its path is gone, and its own host is closed",
		func(context.Context) error { return os.Remove(filepath.Join(k.folder, "blog.yaml")) },
		k.tells("live in", "Namespace/blog-namespace deleted"),
		k.comesToGive(missing("/blog"), tour.Visit{Host: "blog.k8s.local", Path: "/blog"}))
	k.end(ctx)
}

// prints finds the certificates of the demo that has just started, and looks for
// every command, which may name them, among what it has printed.
func (k *checker) prints(ctx context.Context) error {
	folder, err := k.workDir()
	if err != nil {
		return err
	}
	k.site.Files = authority.In(filepath.Join(folder, "source"))
	for _, v := range tour.All(k.site) {
		_, words, _ := strings.Cut(v.Command("curl", k.site), " ") // curl may have an option more
		for _, line := range []string{words, "expect: " + v.Want.String()} {
			if err := k.tells(line)(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// workDir gives the one folder that the demo has made.
func (k *checker) workDir() (string, error) {
	folders, err := filepath.Glob(filepath.Join(k.temp, "*"))
	if err != nil || len(folders) != 1 {
		return "", fmt.Errorf("the demo has %d work folders, not 1", len(folders))
	}
	return folders[0], nil
}

// scale edits nodejs.yaml to 3, 2 and again 1 Pods.
func (k *checker) scale(ctx context.Context) {
	const name = "nodejs.yaml"
	pod := func(n int) string { return fmt.Sprintf("nodejs-k8s-env-%d", n) }
	ip := func(n int) string { return fmt.Sprintf("podIP: %s10.%d", k.network, n) }
	for _, change := range []struct {
		to   int
		told []string // each may be in a line of its own
	}{
		{3, []string{pod(2) + " added", pod(3) + " added"}},
		{2, []string{pod(3) + " deleted"}},
		{1, []string{pod(2) + " deleted"}},
	} {
		var documents []string
		inTurn := tour.Visit{Host: host, Path: "/nodejs", Times: 4 * change.to, Want: tour.Outcome{Status: 200, Pods: map[string]int{}}}
		for n := 1; n <= change.to; n++ {
			documents = append(documents, strings.NewReplacer(pod(1), pod(n), ip(1), ip(n)).Replace(k.manifests[name]))
			inTurn.Want.Pods[pod(n)] = 4
		}
		actions := []action{k.writes(name, strings.Join(documents, "---\n"))}
		for _, words := range change.told {
			actions = append(actions, k.tells("live in", "Pod/test-namespace/"+words))
		}
		k.step(ctx, fmt.Sprintf("scaled to %d: these Pods answer in turn, and no other", change.to),
			append(actions, k.comesToGive(inTurn))...)
	}
}

// edit adds a Pod with a new path, and changes the path in place.
func (k *checker) edit(ctx context.Context) {
	const name = "hello.yaml"
	text := strings.NewReplacer("nodejs-k8s-env-1", "hello-1", `"/nodejs"`, `"/hello"`, k.network+"10.1", k.network+"50.1").
		Replace(k.manifests["nodejs.yaml"])
	k.step(ctx, "added hello.yaml: a Pod with a new path is served",
		k.writes(name, text),
		k.tells("live in", "Pod/test-namespace/hello-1 added"),
		k.comesToGive(served("/hello", "hello-1")))
	k.step(ctx, "edited hello.yaml: the new path is served, the old one is not",
		k.overwrites(name, strings.ReplaceAll(text, `"/hello"`, `"/hi"`)),
		k.tells("live in", "Pod/test-namespace/hello-1 changed"),
		k.comesToGive(served("/hi", "hello-1"), missing("/hello")))
}

// damage half-writes a file, and breaks one entry of an annotation.
func (k *checker) damage(ctx context.Context) {
	const name = "reports.yaml"
	good := k.manifests[name]
	half, _, _ := strings.Cut(good, `reports-1`)
	k.step(ctx, "half-wrote reports.yaml: told, and every route stays",
		k.overwrites(name, half+`"repo`), // inside of a quoted text
		k.tells(name, "keeping its last good content"),
		k.gives(tour.All(k.site)...))
	k.step(ctx, "wrote all of it: told, and every route is still there",
		k.overwrites(name, good),
		k.tells(name, "is good again"),
		k.gives(tour.All(k.site)...))
	k.step(ctx, "broke one path entry: dropped, told why, and its neighbour stays",
		k.writes(name, strings.Replace(good, `"basePath": "/reports"`, `"basePath": "/reports { return 200; }"`, 1)),
		k.tells("problem", "Pod/test-namespace/reports-1", "paths[0].basePath"),
		k.tells("live in", "Pod/test-namespace/reports-1 changed", "1 problem"),
		k.comesToGive(missing("/reports"), served("/version", "reports-1")))
	k.step(ctx, "repaired it: everything is as at the start",
		k.writes(name, good),
		k.tells("solved", "Pod/test-namespace/reports-1", "paths[0].basePath"),
		k.comesToGive(tour.All(k.site)...))
}

// end interrupts the demo as Ctrl-C does, and looks for what it has left.
func (k *checker) end(ctx context.Context) {
	var pid int
	k.step(ctx, "Ctrl-C: the demo ends with exit status 0, and no process and no file is left",
		func(context.Context) error {
			folder, err := k.workDir()
			if err == nil {
				pid, err = machine.NginxPid(folder)
			}
			return err
		},
		func(ctx context.Context) error {
			if err := k.demo.Process.Signal(os.Interrupt); err != nil {
				return err
			}
			select {
			case <-k.ended:
			case <-ctx.Done():
				return errors.New("the demo has not ended in time")
			}
			if code := k.demo.ProcessState.ExitCode(); code != 0 {
				return fmt.Errorf("exit status %d", code)
			}
			return nil
		},
		func(context.Context) error {
			if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("nginx's process group %d is still there", pid)
			}
			return nil
		},
		func(ctx context.Context) error {
			for _, port := range []int{k.site.Port, k.site.SSLPort} {
				if conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
					_ = conn.Close()
					return fmt.Errorf("something still listens on port %d", port)
				}
			}
			return nil
		},
		func(context.Context) error {
			left, err := os.ReadDir(k.temp)
			if err == nil && len(left) > 0 {
				err = fmt.Errorf("%d files are left in its temporary folder", len(left))
			}
			return err
		})
}
