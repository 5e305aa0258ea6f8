package proc

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Recorder passes on what is written to it and keeps the first part of it.
type Recorder struct {
	to      io.Writer     // nil passes nothing on
	drained chan struct{} // closed when copyFrom has read everything

	mu   sync.Mutex
	kept []byte
}

// keep is how many bytes a Recorder keeps.
const keep = 16 << 10

// NewRecorder gives a Recorder that passes everything on to the writer, unless
// that is nil.
func NewRecorder(to io.Writer) *Recorder {
	return &Recorder{to: to, drained: make(chan struct{})}
}

// Write never fails: what can't be passed on must not stop the program.
func (r *Recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	r.kept = append(r.kept, b[:min(len(b), keep-len(r.kept))]...)
	r.mu.Unlock()
	if r.to != nil {
		_, _ = r.to.Write(b)
	}
	return len(b), nil
}

// Reset forgets what was kept.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = r.kept[:0]
}

// String gives what was kept.
func (r *Recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.kept)
}

// copyFrom reads f to its end, and closes it.
func (r *Recorder) copyFrom(f *os.File) {
	_, _ = io.Copy(r, f)
	_ = f.Close()
	close(r.drained)
}

// Drain waits until everything has been read, but not longer than limit.
func (r *Recorder) Drain(limit time.Duration) {
	select {
	case <-r.drained:
	case <-time.After(limit):
	}
}

// reopenable reports whether a program can open f by its name in /dev, as some
// programs do for logs: they can't if f is a socket, or another user's terminal.
func reopenable(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	opened := false
	err = raw.Control(func(fd uintptr) {
		again, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
		if err == nil {
			opened = again.Close() == nil
		}
	})
	return err == nil && opened
}

// pickUp reads the pipe that was a descriptor of the process pid. Its reader
// died with whoever made the pipe, and the process would block when it opens
// such a log again. Anything else than a pipe is left alone, and so is
// our own standard output or error.
func (r *Recorder) pickUp(pid, fd int) error {
	name := fmt.Sprintf("/proc/%d/fd/%d", pid, fd)
	target, err := os.Readlink(name)
	if err != nil {
		return err
	}
	own, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if !strings.HasPrefix(target, "pipe:") || target == own {
		close(r.drained)
		return nil
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	go r.copyFrom(f)
	return nil
}
