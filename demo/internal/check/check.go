// Package check runs the demo unattended, as a user would: it starts it, asks
// for everything that it offers, edits a copy of its manifests, interrupts it,
// and reports what differs from what was promised. It never writes outside its
// own temporary folder.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/30x/dispatcher/demo/internal/machine"
	"github.com/30x/dispatcher/demo/internal/tour"
)

// Config is what the check needs to know.
type Config struct {
	Dispatcher string // program to show
	Manifests  string // folder; only read
	Port       int    // nginx's for HTTP; 0: a free one
	SSLPort    int    // nginx's for HTTPS; 0: a free one
}

// stopTimeout is longer than the demo allows Dispatcher to take.
const stopTimeout = time.Minute

// stepTimeout bounds each step of the check.
const stepTimeout = 10 * time.Second

// checker runs the demo as a user would, on a copy of the manifests, and does
// to it what its texts invite people to do.
type checker struct {
	out            io.Writer
	folder         string            // of manifests, the checker's own
	network        string            // "127.N.", which stands for the manifests' "127.0.", but for 127.0.0.*
	manifests      map[string]string // the texts at the start, by file
	temp           string            // the demo's temporary folder
	site           tour.Site         // its files are known once the demo has made them
	demo           *exec.Cmd
	ended          chan struct{} // closed when the demo has ended
	told           transcript    // what the demo has printed
	mark           int           // where in it the step began
	passed, failed int
}

// Run returns nil if the demo does all it promises, and leaves no trace.
func Run(ctx context.Context, c Config, out io.Writer) (err error) {
	base, err := os.MkdirTemp("", "d")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(base)) }()
	k := &checker{
		out:    out,
		folder: filepath.Join(base, "m"),
		temp:   filepath.Join(base, "t"),
		// A demo may run at the same time, so the copy gets other addresses.
		network:   fmt.Sprintf("127.%d.", 1+os.Getpid()%250),
		manifests: map[string]string{},
		ended:     make(chan struct{}),
	}
	if err := k.copyManifests(c.Manifests); err != nil {
		return err
	}
	for _, folder := range []string{base, k.temp} { // nginx's workers are other users if this is root
		if err := errors.Join(os.MkdirAll(folder, 0o755), os.Chmod(folder, 0o755)); err != nil {
			return err
		}
	}
	for _, port := range []*int{&c.Port, &c.SSLPort} {
		if *port == 0 {
			if *port, err = machine.FreePort(ctx, 0); err != nil {
				return err
			}
		}
	}
	k.site.Port, k.site.SSLPort = c.Port, c.SSLPort
	defer k.kill()
	k.scenario(ctx, c)
	fmt.Fprintf(out, "%d passed, %d failed\n", k.passed, k.failed)
	if k.failed > 0 {
		return errors.New("the demo does not do what it promises; what it printed stands above")
	}
	return nil
}

// copyManifests makes the checker's own copy, and keeps the texts.
func (k *checker) copyManifests(from string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.yaml"))
	if err != nil || len(files) == 0 {
		return errors.Join(fmt.Errorf("no manifests in %s: start the check in the project's own folder, or name them with -manifests", from), err)
	}
	if err := os.Mkdir(k.folder, 0o700); err != nil {
		return err
	}
	move := strings.NewReplacer("127.0.0.", "127.0.0.", "127.0.", k.network) // clients stay where they are
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := filepath.Base(file)
		k.manifests[name] = move.Replace(string(text))
		if err := os.WriteFile(filepath.Join(k.folder, name), []byte(k.manifests[name]), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// starts runs this same program as the demo.
func (k *checker) starts(c Config) action {
	return func(context.Context) error {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		// Not bound to the context: it is ended by a signal, as by a user.
		demo := exec.Command(self, "-dispatcher", c.Dispatcher, "-manifests", k.folder, "-port", strconv.Itoa(c.Port), "-ssl-port", strconv.Itoa(c.SSLPort)) //nolint:noctx // this same program
		demo.Env = append(os.Environ(), "TMPDIR="+k.temp)
		demo.Stdout, demo.Stderr = &k.told, &k.told
		// A group of its own: Ctrl-C ends the check, which then ends the demo.
		demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := demo.Start(); err != nil {
			return fmt.Errorf("start the demo: %w", err)
		}
		k.demo = demo
		go func() {
			_ = demo.Wait() // judged by its ProcessState
			close(k.ended)
		}()
		return nil
	}
}

// kill ends a demo that is still there; it takes everything it started with it.
func (k *checker) kill() {
	if k.demo == nil {
		return
	}
	_ = k.demo.Process.Signal(syscall.SIGTERM)
	select {
	case <-k.ended:
	case <-time.After(stopTimeout):
		_ = k.demo.Process.Kill()
	}
}

// action is one thing to do or to ask for; the error says what went wrong.
type action func(context.Context) error

// step takes actions one after the other, up to the first that fails, and
// reports how they went together.
func (k *checker) step(ctx context.Context, name string, actions ...action) (passed bool) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	k.mark = k.told.mark()
	for _, do := range actions {
		err := do(ctx)
		if err == nil {
			continue
		}
		k.failed++
		fmt.Fprintf(k.out, "FAIL  %s: %v\n", name, err)
		if k.failed == 1 {
			fmt.Fprintf(k.out, "----- the demo has printed:\n%s-----\n", k.told.String())
		}
		return false
	}
	k.passed++
	fmt.Fprintln(k.out, "ok   ", name)
	return true
}

// tells waits until the demo has said all the words in one line, since the step
// began.
func (k *checker) tells(words ...string) action {
	return func(ctx context.Context) error {
		return eventually(ctx, func() error {
			if !k.told.said(k.mark, words...) {
				return fmt.Errorf("the demo has no line that says %q", words)
			}
			return nil
		})
	}
}

// gives makes visits once and compares.
func (k *checker) gives(visits ...tour.Visit) action {
	return func(ctx context.Context) error {
		for _, v := range visits {
			got, err := tour.Ask(ctx, k.site, v)
			if err != nil {
				return fmt.Errorf("%s: %w", v.Command("curl", k.site), err)
			}
			if !reflect.DeepEqual(got, v.Want) {
				return fmt.Errorf("%s: expected: %s; got: %s", v.Command("curl", k.site), v.Want, got)
			}
		}
		return nil
	}
}

// comesToGive makes visits until they give what is expected.
func (k *checker) comesToGive(visits ...tour.Visit) action {
	return func(ctx context.Context) error {
		return eventually(ctx, func() error { return k.gives(visits...)(ctx) })
	}
}

// writes replaces a manifest in one step, as a careful editor does.
func (k *checker) writes(name, text string) action {
	return func(context.Context) error {
		temp := filepath.Join(k.folder, "."+name+".tmp")
		if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
			return err
		}
		return os.Rename(temp, filepath.Join(k.folder, name))
	}
}

// overwrites replaces a manifest in place, as a careless editor does.
func (k *checker) overwrites(name, text string) action {
	return func(context.Context) error {
		return os.WriteFile(filepath.Join(k.folder, name), []byte(text), 0o600)
	}
}
