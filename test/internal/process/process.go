// Package process runs programs for tests, and tells what runs. A command enters;
// a process leaves that ends with the test's own process, however that ends. It
// never waits for anything without a limit, and never ends what it hasn't started.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a program that has been started.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
}

// Start starts a command. When this process ends without stopping it, the kernel
// sends it the signal. The command's output should go to files: a pipe that a
// grandchild holds open would look like a process that doesn't end.
func Start(cmd *exec.Cmd, orphaned syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = orphaned
	started, exited := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the signal is sent when this thread ends
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return &Process{cmd, exited}, nil
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended reports whether it has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Signal sends a signal to the process alone; nothing happens if it has ended.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", p.PID(), err)
	}
	return nil
}

// Wait waits for the end and returns the exit code, -1 after a signal. A process
// that takes longer than the limit is killed, and that is an error.
func (p *Process) Wait(limit time.Duration) (int, error) {
	var err error
	select {
	case <-p.exited:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.exited
		err = fmt.Errorf("%s (process %d) has not ended within %v, and was killed", filepath.Base(p.cmd.Path), p.PID(), limit)
	}
	return p.cmd.ProcessState.ExitCode(), err
}

// Info is what /proc tells of a process.
type Info struct {
	PID, Parent, Group int
	Zombie             bool
	Command            string // its arguments, with spaces between them
}

// All lists all processes that can be read.
func All() []Info {
	var out []Info
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		stat, err := os.ReadFile(filepath.Join(folder, "stat"))
		command, err2 := os.ReadFile(filepath.Join(folder, "cmdline"))
		_, rest, ok := strings.Cut(string(stat[max(0, strings.LastIndexByte(string(stat), ')')):]), ") ")
		fields := strings.Fields(rest) // state, parent, group
		if err != nil || err2 != nil || !ok || len(fields) < 3 {
			continue // it has just ended
		}
		i := Info{Zombie: fields[0] == "Z", Command: strings.ReplaceAll(string(command), "\x00", " ")}
		i.PID, _ = strconv.Atoi(filepath.Base(folder))
		i.Parent, _ = strconv.Atoi(fields[1])
		i.Group, _ = strconv.Atoi(fields[2])
		out = append(out, i)
	}
	return out
}
