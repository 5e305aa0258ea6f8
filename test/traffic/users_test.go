package traffic

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534 // user and group

// TestUnprivilegedWorkers: those who read what clients and Pods send are not root.
func TestUnprivilegedWorkers(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can start workers of another user")
	}
	d := start(t, namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	// Workers begin as root, for a moment.
	d.eventually("no worker is root", func() bool {
		found := workers(d.masterPID())
		return len(found) > 0 && !slices.ContainsFunc(found, func(pid int) bool { return userOf(pid) == "0" })
	})
}

// TestOtherUser: a user who is not root runs it all, with folders of his own.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("every other test shows it")
	}
	web := newPod(t, "shop", "web", at("/app"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	for _, path := range []string{filepath.Dir(d.work), filepath.Dir(d.programs.Dispatcher)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(d.work, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	d.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	d.run()
	d.apply(web.paths(at("/changed")))
	d.serves("www.example.com", "/changed", "web")
	master := d.masterPID()
	for _, pid := range append(workers(master), master) {
		if uid := userOf(pid); uid != "65534" && uid != "" { // an old worker may just have ended
			t.Errorf("process %d runs as user %q", pid, uid)
		}
	}
	d.eventually("the access log is written", func() bool { return len(d.accessLog()) > 0 })
}

// userOf returns the effective user id of a process; "" if it has ended.
func userOf(pid int) string {
	for line := range strings.Lines(readFile(fmt.Sprintf("/proc/%d/status", pid))) {
		if ids, ok := strings.CutPrefix(line, "Uid:"); ok {
			return strings.Fields(ids)[1]
		}
	}
	return ""
}
