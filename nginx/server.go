// Package nginx is the only one that runs nginx and writes its files. A
// render.Files enters; a running nginx that has confirmed it leaves. It never
// reads, changes or logs what the text says: it moves it to disk, has nginx
// test it, and asks nginx's workers which generation they serve.
//
// Server runs a real nginx: a child process, or one that an earlier Dispatcher
// left behind. Printer stands in where none is wanted.
package nginx

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/30x/dispatcher/nginx/internal/certs"
	"github.com/30x/dispatcher/nginx/internal/control"
	"github.com/30x/dispatcher/nginx/internal/disk"
	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
	"github.com/30x/dispatcher/pkg/render"
)

// Options say how a Server runs nginx.
type Options struct {
	Binary        string        // the nginx program, a name in PATH or a path; "" is "nginx"
	WorkDir       string        // the folder that all files live in; it is created if need be
	CertDir       string        // the absolute folder for render.Files.Certificates; "": there are none
	ShutdownGrace time.Duration // how long requests may take to finish at the end; 0 is 30s
	TestTimeout   time.Duration // the limit for one configuration test; 0 is 60s
	VerifyTimeout time.Duration // how long nginx may take to confirm a configuration; 0 is 30s
	Version       string        // of that program; one of another version is not kept running; "" is not known
	// Stale lets Run serve, until the first Apply, the last good configuration of an
	// earlier Dispatcher with the same Purpose, which stands for the settings.
	Stale   bool
	Purpose string
	Log     *slog.Logger // nil is slog.Default
	// Observe is told how long each step took: "test", "reload" or "verify". May be nil.
	Observe func(step string, took time.Duration)
}

// Server owns one nginx and the files in its work folder. Alive may be called
// at any time, Apply from one goroutine, Run once from another.
type Server struct {
	o              Options
	control        *control.Client
	stdout, stderr *os.File // where nginx's output goes

	proc    atomic.Pointer[proc.Process] // the nginx last seen in service, perhaps dead by now; nil if none
	fresh   atomic.Bool                  // what runs, or will, is not what an earlier Dispatcher has left
	changed chan struct{}                // tells Run that proc is another one
	closing chan struct{}                // closed when Run begins to shut down

	mu      sync.Mutex // held while nginx is tested, started, reloaded or stopped
	conf    *disk.Conf // nginx.conf
	certs   *certs.Dir // CertDir
	running string     // the generation that nginx last confirmed, "" if that is open
	serves  string     // the generation of conf, once it was confirmed
	old     bool       // the nginx taken over is of another version: it serves until the first Apply
	lock    *os.File   // keeps other Dispatchers away
}

var errClosing = fmt.Errorf("nginx is shutting down: %w", context.Canceled)

// NewServer prepares o.WorkDir and takes over the nginx that an earlier
// Dispatcher left running there, if any. It fails if the folder can't be used,
// or holds an nginx.conf that Dispatcher did not write. It starts nothing.
func NewServer(o Options) (*Server, error) { return newServer(o, os.Stdout, os.Stderr) }

func newServer(o Options, stdout, stderr *os.File) (*Server, error) {
	if o.WorkDir == "" {
		return nil, errors.New("no work folder: name one with --work-dir")
	}
	dir, err := filepath.Abs(o.WorkDir)
	if err != nil {
		return nil, fmt.Errorf("find work folder: %w", err)
	}
	o.WorkDir = dir
	o.Binary = cmp.Or(o.Binary, "nginx")
	o.ShutdownGrace = cmp.Or(o.ShutdownGrace, 30*time.Second)
	o.TestTimeout = cmp.Or(o.TestTimeout, 60*time.Second)
	o.VerifyTimeout = cmp.Or(o.VerifyTimeout, 30*time.Second)
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Observe == nil {
		o.Observe = func(string, time.Duration) {}
	}

	s := &Server{
		o:       o,
		stdout:  stdout,
		stderr:  stderr,
		changed: make(chan struct{}, 1),
		closing: make(chan struct{}),
	}
	s.control = control.NewClient(s.controlPath())
	s.certs = certs.Open(o.CertDir)
	if err := s.prepare(); err != nil {
		return nil, err
	}
	err = s.adopt()
	_, resumes := s.conf.Vouched(o.Purpose)
	s.fresh.Store(!s.Alive() && !resumes)
	return s, err
}

// Alive reports whether a nginx that has confirmed a configuration is running.
func (s *Server) Alive() bool {
	return s.proc.Load().Alive()
}

// Apply makes f the configuration in service: it writes the certificates, stages
// the text, has nginx test it, puts it in place, starts or reloads nginx, and
// waits until a new worker confirms f.Generation. If f is in service already,
// nothing but missing or needless files of certificates changes.
//
// If nginx refuses the text, the error is a *RejectedError; if one certificate is
// at fault, a *CertificateError. After any error the last good configuration is on
// disk and in service, except that an ended ctx leaves open which of the two nginx
// runs: the next Apply settles it.
func (s *Server) Apply(ctx context.Context, f render.Files) error {
	ctx, cancel := proc.Until(ctx, s.closing, errClosing)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return errClosing
	default:
	}
	err := s.certs.Write(f.Certificates)
	if err == nil && !s.inService(f) {
		if err = s.test(ctx, f, true); err == nil {
			err = s.replace(ctx, f)
		}
	}
	var untidy error
	switch {
	case err == nil:
		s.fresh.Store(true)
		untidy = errors.Join(s.certs.Keep(f.Certificates), s.conf.Forgive(), s.conf.Vouch(s.o.Purpose))
	case bytes.Equal(s.conf.Text(), f.Conf): // it's open which of the two nginx runs
		s.certs.Forget()
	default:
		untidy = s.certs.Undo()
	}
	if untidy != nil {
		s.o.Log.Warn("not all files are as they should be", "error", untidy)
	}
	return err
}

// inService reports whether there is nothing to do.
func (s *Server) inService(f render.Files) bool {
	return s.Alive() && !s.old && s.running == f.Generation && bytes.Equal(s.conf.Text(), f.Conf)
}

// replace puts a tested configuration in place and in service, or goes back.
func (s *Server) replace(ctx context.Context, f render.Files) error {
	before, generation := s.conf.Text(), s.running
	if err := s.conf.Swap(f.Conf); err != nil {
		return err
	}
	p := s.proc.Load()
	if s.old && p.Alive() {
		p.Quit(s.o.ShutdownGrace, s.o.Log)
	}
	s.old = false
	reload := p.Alive()
	var err error
	if reload {
		err = s.reload(ctx, p, f.Generation)
	} else {
		err = s.start(ctx, f.Generation)
	}
	if err == nil {
		s.serves = f.Generation
		s.o.Log.Debug("nginx serves the configuration", "generation", f.Generation, "reload", reload)
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if back := s.goBack(ctx, p, before, generation); back != nil {
		err = fmt.Errorf("%w; going back to the last good configuration failed too: %w", err, back)
	}
	return fmt.Errorf("%w; %s", err, message.Hint(err.Error()))
}

// goBack puts the text before on disk again, and in service if nginx runs.
func (s *Server) goBack(ctx context.Context, p *proc.Process, before []byte, generation string) error {
	if err := s.conf.Put(before); err != nil {
		return err
	}
	if before == nil || !p.Alive() {
		return nil // Run starts it, if it ever served
	}
	return s.reload(ctx, p, generation)
}

// reload tells nginx to read its configuration again and waits until a new
// worker confirms the generation.
func (s *Server) reload(ctx context.Context, p *proc.Process, generation string) error {
	began, old := time.Now(), proc.Children(p.Pid())
	p.Stderr.Reset()
	s.running = ""
	if err := p.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("reload nginx: %w", err)
	}
	s.observe("reload", began)
	confirmed, err := s.verify(ctx, p, generation, old)
	if err != nil {
		return fmt.Errorf("reload nginx: %w", err)
	}
	s.running = confirmed
	return nil
}
