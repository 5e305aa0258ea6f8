package controller_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/source"
	"github.com/30x/dispatcher/templates"
)

const (
	window = 2 * time.Second
	gather = 10 * time.Millisecond // as in the controller
)

// stage is a controller between a source and a proxy that the test plays.
type stage struct {
	t       *testing.T
	started time.Time
	events  chan source.Event
	changes chan controller.Change
	log     *logbook

	mu      sync.Mutex
	applied []applied
	answer  func(render.Files) error // nil: every configuration works
	slow    time.Duration            // how long each takes
	report  controller.Report
}

// logbook is a log that may be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// answers sets what the proxy answers.
func (s *stage) answers(answer func(render.Files) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// applications are the configurations so far.
func (s *stage) applications() []applied {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.applied)
}

// told is the last report.
func (s *stage) told() controller.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report
}

type applied struct {
	after time.Duration // since the start
	conf  string
}

func (s *stage) Run(ctx context.Context, events chan<- source.Event) error {
	for {
		select {
		case e := <-s.events:
			events <- e
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *stage) Apply(_ context.Context, files render.Files) error {
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer != nil {
		if err := s.answer(files); err != nil {
			return err
		}
	}
	s.applied = append(s.applied, applied{time.Since(s.started), string(files.Conf)})
	return nil
}

func parse(t *testing.T, replace map[string]string) *render.Templates {
	t.Helper()
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range replace {
		texts[name] = text
	}
	tm, err := render.ParseTemplates(texts)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

// play runs the scenario inside a synctest bubble, in which time is fake.
func play(t *testing.T, scenario func(*stage)) { playWith(t, nil, scenario) }

// playTLS is play with a default certificate, so that hosts may have TLS.
func playTLS(t *testing.T, scenario func(*stage)) {
	playWith(t, func(c *controller.Controller) {
		c.Options.TLS = true
		c.Params.Default, c.Params.CertDir = selfSigned(t), "/ssl"
	}, scenario)
}

func playWith(t *testing.T, change func(*controller.Controller), scenario func(*stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, started: time.Now(), events: make(chan source.Event), changes: make(chan controller.Change), log: &logbook{}}
		options := route.Options{Dispatcher: true, HostsAnnotation: "hosts", PathsAnnotation: "paths", AuthAnnotation: "auth", OrgLabel: "org", EnvLabel: "env", AppNameLabel: "app", AppRevLabel: "rev", SecretName: "routing", APIKeyField: "api-key"}
		c := &controller.Controller{
			Source:  s,
			Cache:   cluster.NewCache(labels.Everything(), options.Interest()),
			Options: options,
			Params:  render.Params{Templates: parse(t, nil), Nginx: render.Stable(), Listen: []netip.Addr{netip.IPv4Unspecified()}, Port: 80, StatusPath: "/s", DefaultReturn: "404"},
			Proxy:   s,
			Window:  window,
			Changes: s.changes,
			Report:  func(r controller.Report) { s.mu.Lock(); s.report = r; s.mu.Unlock() },
			Log:     slog.New(slog.NewTextHandler(s.log, nil)),
		}
		if change != nil {
			change(c)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		scenario(s)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// send plays an event and lets the time pass in which others could join it.
func (s *stage) send(e source.Event) {
	s.events <- e
	pass(gather)
}

// pass lets fake time pass, and all that is due in it happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stage) host(names ...string) {
	var members []string
	for _, n := range names {
		members = append(members, fmt.Sprintf("%q: {}", n))
	}
	s.send(source.Event{Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "test", Annotations: map[string]string{"hosts": "{" + strings.Join(members, ", ") + "}"},
	}}})
}

func (s *stage) sync() { s.send(source.Event{Synced: true}) }

// want checks when configurations were applied, and that the last one serves the host.
func (s *stage) want(host string, after ...time.Duration) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []time.Duration
	for _, a := range s.applied {
		got = append(got, a.after)
	}
	if fmt.Sprint(got) != fmt.Sprint(after) {
		s.t.Fatalf("configurations were applied after %v, want %v", got, after)
	}
	if n := len(s.applied); host != "" && n > 0 && !strings.Contains(s.applied[n-1].conf, "server_name "+host+";") {
		s.t.Errorf("the last configuration does not serve %s", host)
	}
}
