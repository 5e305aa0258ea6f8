package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killTime is how long killed processes may take to be gone.
const killTime = 5 * time.Second

// stat is what /proc tells about a process.
type stat struct{ pid, parent, group int }

// list gives the processes that keep wants. Zombies don't count: whoever has
// to bury them may be slow.
func list(keep func(stat) bool) []int {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var found []int
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		// "pid (name) state parent group …", where name may hold anything.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 3 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
			continue
		}
		st := stat{}
		st.pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(name)))
		st.parent, _ = strconv.Atoi(string(fields[1]))
		st.group, _ = strconv.Atoi(string(fields[2]))
		if keep(st) {
			found = append(found, st.pid)
		}
	}
	return found
}

// Children gives the live children of the process pid.
func Children(pid int) []int {
	return list(func(s stat) bool { return s.parent == pid })
}

// Group gives the live processes of a process group whose title holds titled.
func Group(group int, titled string) []int {
	found := list(func(s stat) bool { return s.group == group })
	return slices.DeleteFunc(found, func(pid int) bool { return !strings.Contains(Title(pid), titled) })
}

// Title gives the command line of a process, which some programs set to what
// the process is for; "" if there is no such process.
func Title(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return strings.TrimRight(strings.ReplaceAll(string(text), "\x00", " "), " ")
}

// EndGroup kills a process group for as long as it has processes whose title
// holds titled, and waits until they are gone. A group without them is left alone: its
// number may have gone to somebody else.
func EndGroup(group int, titled string) error {
	for deadline := time.Now().Add(killTime); ; time.Sleep(5 * time.Millisecond) {
		left := Group(group, titled)
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v don't end: end them by hand", left)
		}
		if err := syscall.Kill(-group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill processes %v: %w", left, err)
		}
		bury(group)
	}
}

// bury waits for what has ended in a group. Process 1 of a container inherits
// orphans, and then nobody else does.
func bury(group int) {
	for {
		pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		if pid <= 0 && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
