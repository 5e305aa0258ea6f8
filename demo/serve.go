package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/30x/dispatcher/demo/internal/machine"
	"github.com/30x/dispatcher/demo/internal/pods"
	"github.com/30x/dispatcher/demo/internal/tour"
	"github.com/30x/dispatcher/pkg/source"
)

// settings are what the flags say.
type settings struct {
	dispatcher string // program
	manifests  string // folder
	port       int    // nginx's for HTTP; 0: choose
	sslPort    int    // nginx's for HTTPS; 0: choose
}

const (
	startTimeout = 30 * time.Second
	// A person who presses Ctrl-C is less patient than a cluster.
	shutdownGrace = 5 * time.Second
	stopTimeout   = 3 * shutdownGrace
)

// serve runs the Pods and Dispatcher until ctx is done, and tells on out what
// to ask and what changes. It returns nil after a clean end.
func serve(ctx context.Context, c settings, out io.Writer) (err error) {
	say := lines(out)
	defer func() {
		if err == nil {
			say("Ended; nothing is left running.")
		}
	}()
	binary, err := machine.FindNginx()
	if err != nil {
		return err
	}
	workDir, err := os.MkdirTemp("", "d")
	if err != nil {
		return fmt.Errorf("make a work folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(workDir)) }()
	// nginx's workers run as another user when it is started by root.
	if err := os.Chmod(workDir, 0o755); err != nil {
		return fmt.Errorf("open the work folder to nginx's workers: %w", err)
	}
	f, err := furnish(ctx, c, workDir)
	if err != nil {
		return err
	}

	// The Pods outlive Dispatcher, so that requests in flight can finish.
	podsCtx, endPods := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	defer group.Wait()
	defer endPods()
	select {
	case err := <-startPods(podsCtx, &group, c.manifests, stamped(say)):
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return nil
	}

	cmd := exec.CommandContext(ctx, c.dispatcher, f.arguments(binary)...)
	// Settings of this shell (PORT, SOURCE, …) must not change the demo.
	cmd.Env = []string{} // nil would be all of them
	for _, name := range []string{"PATH", "HOME", "TZ", "TMPDIR", "LD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	// Ctrl-C reaches the whole foreground group; Dispatcher shall hear it once, from here.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTimeout
	return follow(ctx, cmd, say, c, f)
}

// follow runs Dispatcher and retells its log, until it ends.
func follow(ctx context.Context, cmd *exec.Cmd, say func(string), c settings, f *furnished) error {
	log, stderr, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start dispatcher: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd.Stderr = stderr
	err = cmd.Start()
	_ = stderr.Close() // Dispatcher and nginx have it now
	switch {
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("start dispatcher: %w; build it with \"make build\"", err)
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if !cmd.ProcessState.Success() {
			machine.KillNginx(f.workDir)
		}
		ended <- err
	}()
	retell(log, say, c.manifests, f)
	err = <-ended
	switch {
	case ctx.Err() != nil && interrupted(cmd.ProcessState):
		return nil
	case !cmd.ProcessState.Success():
		return fmt.Errorf("dispatcher failed: %w; its messages are above", err)
	case ctx.Err() == nil:
		return errors.New("dispatcher ended by itself; its messages are above")
	}
	return nil
}

// interrupted reports that a process did not even begin to handle Ctrl-C.
func interrupted(p *os.ProcessState) bool {
	status, ok := p.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}

// retell tells a log for people, line by line until it is closed, and what to
// ask as soon as the first configuration is live.
func retell(log io.Reader, say func(string), manifests string, f *furnished) {
	impatient := time.AfterFunc(startTimeout, func() {
		say("Dispatcher is not serving yet; what is above may tell why. Ctrl-C ends the demo.")
	})
	defer impatient.Stop()
	tell, shown := stamped(say), false
	scanner := bufio.NewScanner(log)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		text, live := narrate(strings.ReplaceAll(scanner.Text(), f.link, manifests))
		if text != "" {
			tell(text)
		}
		if live && !shown {
			shown = true
			impatient.Stop()
			say("")
			tour.Print(say, f.site)
			say("The certificates are in " + f.source + ", where " + filepath.Base(f.site.Files.Secret) + " is the Secret of secure.yaml's Namespace.")
			say("Edit, add or delete files in " + manifests + ": each change is told below. Ctrl-C ends the demo.")
		}
	}
	_, _ = io.Copy(io.Discard, log) // after a line too long to read, Dispatcher must not block
}

// startPods runs the Pods until ctx is done; group then waits for them. It
// sends nil when those that exist at the start answer, or why none ever will.
func startPods(ctx context.Context, group *sync.WaitGroup, manifests string, say func(string)) <-chan error {
	// Dispatcher reads the same files and tells what is wrong with them.
	files := source.NewFiles(manifests, slog.New(slog.DiscardHandler))
	events := make(chan source.Event)
	started := make(chan error, 2)
	group.Go(func() {
		if err := files.Run(ctx, events); err != nil {
			started <- fmt.Errorf("%w; start the demo in the project's own folder, or name the manifests with -manifests", err)
		}
	})
	group.Go(func() {
		pods.New(say).Run(ctx, events, func() { started <- nil })
	})
	return started
}

// lines returns a function that writes whole lines, from any goroutine.
func lines(out io.Writer) func(string) {
	var mu sync.Mutex
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(out, text)
	}
}

// stamped puts the time of day before each line.
func stamped(say func(string)) func(string) {
	return func(text string) { say(time.Now().Format(time.TimeOnly) + " " + text) }
}
