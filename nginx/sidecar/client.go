package sidecar

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/pkg/render"
)

const (
	// askTime is the limit for a question that needs no work.
	askTime = 2 * time.Second
	// lookEvery is how often the controller looks whether nginx's container is
	// another one.
	lookEvery = time.Second
)

// Client stands in the controller's container for the nginx in the other one. It
// is safe for concurrent use.
type Client struct {
	http    http.Client
	work    string
	stale   bool
	fresh   atomic.Bool // something was applied
	observe func(step string, took time.Duration)
	log     *slog.Logger

	mu   sync.Mutex // held while something is applied
	last *files     // what was applied last
	at   string     // the Instance that it was applied at
}

// NewClient gives a Client for the sidecar with that work folder. If stale is true,
// what nginx serves before the first Apply counts as such. observe is told of the
// steps that nginx.Options.Observe is told of there; it may be nil.
func NewClient(workDir string, stale bool, observe func(string, time.Duration), log *slog.Logger) *Client {
	c := &Client{work: workDir, observe: observe, log: log, http: http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", Socket(workDir))
		},
		MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
	}}}
	c.stale = stale && c.Alive()
	return c
}

// Wait waits until the sidecar answers, and gives what it tells of itself. It
// fails if that takes longer than limit, or if the two don't share their folders.
func (c *Client) Wait(ctx context.Context, certDir string, limit time.Duration) (Instance, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for denied := 0; ; {
		var i Instance
		err := c.ask(limited, "/instance", &i)
		if err == nil {
			if i.WorkDir != c.work || i.CertDir != certDir {
				return i, fmt.Errorf("nginx's container has the folders %+q and %+q, and this one %+q and %+q: give both the same WORK_DIR and SSL_CERT_DIR", i.WorkDir, i.CertDir, c.work, certDir)
			}
			return i, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			if denied++; denied == 20 { // it is opened to the group a moment after it was made
				return i, err
			}
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			if ctx.Err() != nil {
				return i, context.Cause(ctx)
			}
			return i, fmt.Errorf("nginx's container did not answer within %s: %w", limit, err)
		}
	}
}

// Apply makes f the configuration in service, as nginx.Server does.
func (c *Client) Apply(ctx context.Context, f render.Files) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	packed := pack(f)
	if err := c.apply(ctx, &packed); err != nil {
		return err
	}
	c.last = &packed
	c.fresh.Store(true)
	return nil
}

func (c *Client) apply(ctx context.Context, f *files) error {
	var now state
	if err := c.ask(ctx, "/state", &now); err != nil {
		return fmt.Errorf("reach nginx's container: %w", err)
	}
	if err := c.hand(ctx, "/configuration", *f); err != nil {
		return err
	}
	c.at = now.ID
	return nil
}

// hand hands files over, and gives what came of it.
func (c *Client) hand(ctx context.Context, path string, f files) error {
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode the configuration: %w", err)
	}
	var r result
	if err := c.do(ctx, http.MethodPut, path, body, &r); err != nil {
		return fmt.Errorf("hand the configuration to nginx's container: %w", err)
	}
	for _, s := range r.Steps {
		if c.observe != nil {
			c.observe(s.Name, s.Took)
		}
	}
	return r.err()
}

// Test asks nginx whether it would take f, as nginx.Server does.
func (c *Client) Test(ctx context.Context, f render.Files) error {
	return c.hand(ctx, "/test", pack(f))
}

// Alive reports whether nginx runs, as far as its container answers.
func (c *Client) Alive() bool { return c.state().Alive }

// Stale reports whether nginx serves what it did before its container, or the
// controller, was started again.
func (c *Client) Stale() bool {
	now := c.state()
	return now.Alive && (now.Stale || c.stale && !c.fresh.Load())
}

// Resumes reports whether nginx serves what an earlier one in its container did.
func (c *Client) Resumes() bool { return c.state().Stale }

// Serving gives the generation that nginx serves, "" if it serves none.
func (c *Client) Serving() (generation string) {
	if err := c.ask(context.Background(), "/serving", &generation); err != nil {
		return err.Error() // it is not known
	}
	return generation
}

// Refresh has nginx read its configuration again, as nginx.Server does.
func (c *Client) Refresh(ctx context.Context) error {
	var r result
	if err := c.do(ctx, http.MethodPost, "/refresh", nil, &r); err != nil {
		return fmt.Errorf("have nginx read its configuration again: %w", err)
	}
	return r.err()
}

// Stats asks nginx for what it counts, until ctx ends at the latest.
func (c *Client) Stats(ctx context.Context) nginx.Stats {
	var s nginx.Stats
	if c.ask(ctx, "/stats", &s) != nil {
		return nginx.Stats{}
	}
	return s
}

func (c *Client) state() state {
	var now state
	if c.ask(context.Background(), "/state", &now) != nil {
		return state{}
	}
	return now
}

// Run sees to it that an nginx whose container was started again gets the
// configuration in service, until ctx is done. It leaves nginx running.
func (c *Client) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		problem := ""
		if err := c.renew(ctx); err != nil && ctx.Err() == nil {
			problem = err.Error()
		}
		if problem != told && problem != "" {
			c.log.Error("nginx's container does not serve; trying again", "reason", problem)
		}
		told = problem
	}
}

// renew hands over the last configuration again if another sidecar answers.
func (c *Client) renew(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return nil
	}
	var now state
	if err := c.ask(ctx, "/state", &now); err != nil || now.ID == c.at {
		return err
	}
	if err := c.apply(ctx, c.last); err != nil {
		return err
	}
	c.log.Info("nginx's container was started again; it has the configuration", "generation", c.last.Generation)
	return nil
}

// ask asks for something that is at hand.
func (c *Client) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://sidecar"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s to %s: run the same version of Dispatcher in both containers", resp.Status, path)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// explain says what to do about an error of the socket.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: is 'dispatcher nginx' running, with the same WORK_DIR?", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: give both containers the same group (runAsGroup)", err)
	}
	return err
}
