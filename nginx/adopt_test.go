package nginx

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/30x/dispatcher/nginx/internal/disk"
	"github.com/30x/dispatcher/nginx/internal/proc"
)

// A restarted Dispatcher takes the running nginx over, and lets it be if there
// is nothing new.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	master := b.pid()
	// The first worker confirms a start, perhaps before the second has begun.
	waitFor(t, "both workers", func() bool { return len(proc.Children(master)) == 2 })
	workers := proc.Children(master)

	b.restart(Options{})
	if !b.Alive() || b.pid() != master {
		t.Fatal("the running nginx was not taken over")
	}
	b.apply(b.conf("g1"))
	if now := proc.Children(master); !slices.Equal(now, workers) {
		t.Errorf("workers were %v and are %v", workers, now)
	}
	b.apply(b.conf("g2"))
	b.expect("g2")
	if b.pid() != master {
		t.Error("nginx was started again")
	}
	if err := b.run()(); err != nil {
		t.Error(err)
	}
	b.expectClean(master)
}

// The text on disk may be newer than what nginx runs, if Dispatcher ended
// between the two.
func TestTakeOverSettlesAnUnfinishedReload(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	if err := disk.WriteNew(b.path(confName), b.conf("g2").Conf); err != nil {
		t.Fatal(err)
	}
	b.restart(Options{})
	b.apply(b.conf("g2"))
	b.expect("g2")
}

func TestTakenOverNginxIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	b.restart(Options{})
	b.run()
	old := b.pid()
	kill(t, old, syscall.SIGKILL)
	waitFor(t, "another nginx", func() bool { return b.pid() != old })
	b.expect("g1")
	if left := proc.Group(old, ""); len(left) > 0 {
		t.Errorf("processes of the dead nginx: %v", left)
	}
}

// Workers without a master go on serving, until a start needs their port.
func TestOrphansAreEnded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	old := b.pid()
	kill(t, old, syscall.SIGKILL)
	<-b.proc.Load().Exited()

	b.restart(Options{})
	if b.Alive() {
		t.Error("workers without a master were taken over")
	}
	b.expect("g1")
	b.apply(b.conf("g2"))
	b.expect("g2")
	if left := proc.Group(old, ""); len(left) > 0 {
		t.Errorf("orphans: %v", left)
	}
}

// A nginx of ours that doesn't answer is replaced.
func TestHungNginxIsReplaced(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	old := b.pid()
	if err := os.Remove(b.controlPath()); err != nil {
		t.Fatal(err)
	}
	b.restart(Options{})
	b.apply(b.conf("g2"))
	b.expect("g2")
	if b.pid() == old {
		t.Error("a nginx that can't be asked was kept")
	}
	b.gone(old)
}

// The number in the pid file may have gone to another process, even to
// somebody else's nginx.
func TestStalePidFile(t *testing.T) {
	t.Parallel()
	other := newBed(t)
	other.apply(other.conf("other"))
	sleeper := exec.Command("sleep", "300")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
	for name, content := range map[string]string{
		"empty":         "",
		"nonsense":      "x\n",
		"everybody":     "-1\n",
		"dead":          "4194303\n",
		"not nginx":     fmt.Sprintln(sleeper.Process.Pid),
		"another nginx": fmt.Sprintln(other.pid()),
	} {
		b := newBed(t)
		if err := os.WriteFile(b.pidPath(), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		b.restart(Options{})
		b.apply(b.conf(strings.ReplaceAll(name, " ", "")))
		b.expect(strings.ReplaceAll(name, " ", ""))
	}
	if proc.Title(sleeper.Process.Pid) == "" {
		t.Error("a process that isn't nginx was ended")
	}
	other.expect("other")
}
