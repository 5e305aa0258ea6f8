package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/pkg/render"
)

// maxFiles is the largest configuration that is taken, with its certificates.
const maxFiles = 1 << 30

// Proxy is the nginx.Server that a sidecar looks after.
type Proxy interface {
	Apply(ctx context.Context, f render.Files) error
	Test(ctx context.Context, f render.Files) error
	Alive() bool
	Stale() bool
	Serving() string
	Refresh(ctx context.Context) error
	Stats(ctx context.Context) nginx.Stats
}

// Steps gathers what nginx.Options.Observe is told during one Apply.
type Steps struct {
	mu    sync.Mutex
	steps []step
}

// Observe is for nginx.Options.
func (s *Steps) Observe(name string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.steps) < 100 { // nginx may be restarted while nobody asks
		s.steps = append(s.steps, step{name, took})
	}
}

// take gives them away.
func (s *Steps) take() []step {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.steps
	s.steps = nil
	return taken
}

// Listen opens the socket for a work folder, whose lock the caller holds. Members
// of the group may use it.
func Listen(ctx context.Context, workDir string) (net.Listener, error) {
	path := Socket(workDir)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the socket of an earlier sidecar: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the socket for the controller: %w: choose another --work-dir", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("open the socket to the group: %w", err), l.Close())
	}
	return l, nil
}

// Serve lets the controller use proxy until ctx is done. me is complete but for
// its ID.
func Serve(ctx context.Context, l net.Listener, proxy Proxy, steps *Steps, me Instance, log *slog.Logger) error {
	me.ID = fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	var applying sync.Mutex
	mux := http.NewServeMux()
	mux.HandleFunc("GET /instance", func(w http.ResponseWriter, _ *http.Request) { answer(w, me) })
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, state{me.ID, proxy.Alive(), proxy.Stale()})
	})
	// Apart from the state, since it waits while something is applied.
	mux.HandleFunc("GET /serving", func(w http.ResponseWriter, _ *http.Request) { answer(w, proxy.Serving()) })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) { answer(w, proxy.Stats(r.Context())) })
	mux.HandleFunc("POST /refresh", func(w http.ResponseWriter, r *http.Request) {
		var res result
		res.report(proxy.Refresh(r.Context()))
		answer(w, res)
	})
	// take has something done with the files of a request, and answers what came of it.
	take := func(w http.ResponseWriter, r *http.Request, do func(context.Context, render.Files) error) {
		var f files
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxFiles)).Decode(&f); err != nil {
			http.Error(w, "unreadable configuration", http.StatusBadRequest) // the reason might quote it
			return
		}
		applying.Lock()
		defer applying.Unlock()
		steps.take()
		err := do(r.Context(), f.unpack())
		res := result{Steps: steps.take()}
		res.report(err)
		answer(w, res)
	}
	mux.HandleFunc("PUT /test", func(w http.ResponseWriter, r *http.Request) { take(w, r, proxy.Test) })
	mux.HandleFunc("PUT /configuration", func(w http.ResponseWriter, r *http.Request) {
		take(w, r, func(ctx context.Context, f render.Files) error {
			err := proxy.Apply(ctx, f)
			if err == nil {
				log.Info("configuration live", "generation", f.Generation)
			} else if ctx.Err() == nil {
				log.Error("configuration not applied: the controller is told", "reason", err)
			}
			return err
		})
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the controller: %w", err)
	}
	return nil
}

// answer writes v. If nobody reads it, nobody misses it.
func answer(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}
