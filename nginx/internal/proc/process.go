// Package proc is what the operating system knows of a program: a command
// enters; a watched Process with its output leaves, whether it is our child or
// was started by somebody before us. It never knows what the program is for.
package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Confine prepares cmd to run in the folder dir with no input, no secrets in
// its environment, and in a process group of its own, so that a terminal's
// Ctrl-C reaches it only through us.
func Confine(cmd *exec.Cmd, dir string) {
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = []string{}
	for _, name := range []string{"PATH", "TZ", "LD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
}

// Process is a running program.
type Process struct {
	Started time.Time // when it was started or adopted
	Stderr  *Recorder // what it says

	os     *os.Process
	exited chan struct{} // closed when it has ended; then these are set:
	reason string
	ended  time.Time
}

// Start starts cmd. Its errors reach stderr through a Recorder; its output goes
// to stdout itself if the program can open that again by its name in /dev.
func Start(cmd *exec.Cmd, stdout, stderr *os.File) (*Process, error) {
	p := newProcess(stderr)
	var pipes []*os.File // to close once the program has them
	defer func() {
		for _, w := range pipes {
			_ = w.Close()
		}
	}()
	record := func(r *Recorder) (*os.File, error) {
		from, to, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		pipes = append(pipes, to)
		go r.copyFrom(from)
		return to, nil
	}
	var err error
	if cmd.Stderr, err = record(p.Stderr); err != nil {
		return nil, err
	}
	cmd.Stdout = stdout
	if !reopenable(stdout) {
		if cmd.Stdout, err = record(NewRecorder(stdout)); err != nil {
			return nil, err
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.os = cmd.Process
	go func() {
		_ = cmd.Wait() // ProcessState says all
		p.end(cmd.ProcessState.String())
	}()
	return p, nil
}

// Adopt watches the running process pid, which is no child of ours, and reads
// its output on, where its reader is gone. A failure to read is not an error:
// unread says why.
func Adopt(pid int, stdout, stderr *os.File) (p *Process, unread, err error) {
	p = newProcess(stderr)
	if p.os, err = os.FindProcess(pid); err != nil {
		return nil, nil, err
	}
	if err := p.watch(); err != nil {
		return nil, nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	return p, errors.Join(p.Stderr.pickUp(pid, 2), NewRecorder(stdout).pickUp(pid, 1)), nil
}

func newProcess(stderr *os.File) *Process {
	return &Process{Started: time.Now(), Stderr: NewRecorder(stderr), exited: make(chan struct{})}
}

// watch waits for the end of a process that can't be waited for as a child.
func (p *Process) watch() error {
	watching := make(chan error, 1)
	go func() {
		err := p.os.WithHandle(func(pidfd uintptr) {
			watching <- nil
			fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
			for {
				if _, err := unix.Poll(fds, -1); !errors.Is(err, unix.EINTR) {
					break
				}
			}
			p.end("not our child, so nobody told why")
		})
		if err != nil {
			watching <- err
		}
	}()
	return <-watching
}

func (p *Process) end(reason string) {
	p.reason, p.ended = reason, time.Now()
	close(p.exited)
}

// Pid gives the process id.
func (p *Process) Pid() int { return p.os.Pid }

// Signal sends sig; to a process that has ended, that's an error.
func (p *Process) Signal(sig syscall.Signal) error { return p.os.Signal(sig) }

// Exited gives a channel that is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Alive reports whether p exists and hasn't ended.
func (p *Process) Alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Reason gives the exit status or signal of a process that has ended.
func (p *Process) Reason() string {
	<-p.exited
	return p.reason
}

// Lived gives how long a process that has ended was known.
func (p *Process) Lived() time.Duration {
	<-p.exited
	return p.ended.Sub(p.Started)
}
