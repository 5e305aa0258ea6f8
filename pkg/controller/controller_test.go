package controller_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
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

const window = 2 * time.Second

// stage is a controller between a source and a proxy that the test plays.
type stage struct {
	t         *testing.T
	started   time.Time
	events    chan source.Event
	templates chan *render.Templates
	log       *strings.Builder

	mu      sync.Mutex
	applied []applied
	answer  func(render.Files) error // nil: every configuration works
	report  controller.Report
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
func play(t *testing.T, scenario func(*stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, started: time.Now(), events: make(chan source.Event), templates: make(chan *render.Templates), log: &strings.Builder{}}
		options := route.Options{HostsAnnotation: "hosts", PathsAnnotation: "paths", AuthAnnotation: "auth", OrgLabel: "org", EnvLabel: "env", AppNameLabel: "app", AppRevLabel: "rev"}
		c := &controller.Controller{
			Source:    s,
			Cache:     cluster.NewCache(labels.Everything(), options.Interest()),
			Options:   options,
			Params:    render.Params{Templates: parse(t, nil), Nginx: render.Stable(), Listen: []netip.Addr{netip.IPv4Unspecified()}, Port: 80, StatusPath: "/s", DefaultReturn: "404"},
			Proxy:     s,
			Window:    window,
			Templates: s.templates,
			Report:    func(r controller.Report) { s.mu.Lock(); s.report = r; s.mu.Unlock() },
			Log:       slog.New(slog.NewTextHandler(s.log, nil)),
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

func (s *stage) send(e source.Event) { s.events <- e; synctest.Wait() }

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

// Rule "stale beats partial": nothing is rendered before all is known.
func TestNothingBeforeTheFirstFullSync(t *testing.T) {
	play(t, func(s *stage) {
		s.host("a.example")
		time.Sleep(time.Hour)
		s.want("")
		s.sync()
		s.want("a.example", time.Hour)
	})
}

// DF26, and the written rule of the window: after a quiet time at once, then at
// most one configuration a window. PX9: a steady stream of events does not
// postpone it.
func TestWindow(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s.host("a.example")
		s.want("a.example", 0, 10*time.Second)
		time.Sleep(50 * time.Millisecond)
		for i := range 30 { // one event each 100 ms for 3 s
			time.Sleep(100 * time.Millisecond)
			s.host("a.example", fmt.Sprintf("b%d.example", i))
		}
		s.want("b18.example", 0, 10*time.Second, 12*time.Second)
		time.Sleep(window)
		synctest.Wait()
		s.want("b29.example", 0, 10*time.Second, 12*time.Second, 14*time.Second)
	})
}

// DF26, DX16: what changes no route causes no reload, and does not delay one.
func TestABatchThatChangesNothing(t *testing.T) {
	play(t, func(s *stage) {
		s.host("a.example")
		s.sync()
		time.Sleep(time.Minute)
		s.host("a.example")
		s.send(source.Event{Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: "pending"}}})
		s.send(source.Event{Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: "unknown"}}, Deleted: true})
		s.host("a.example", "A.example") // a Problem, but the same routes
		s.host("a.example", "b.example")
		s.want("b.example", 0, time.Minute)
	})
}

type refusal struct{ error }

func (refusal) Refused() bool { return true }

// DX18, rule 6: a failed turn ends nothing; a refused text waits for a change,
// any other failure is tried again.
func TestFailures(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		s.answer = func(render.Files) error { return refusal{errors.New("nginx: unknown directive in line 7")} }
		s.host("bad.example")
		time.Sleep(time.Hour)
		s.want("", 0)
		if s.report.Err == nil || s.report.Generation == "" {
			t.Errorf("the report says %+v", s.report)
		}
		if log := s.log.String(); strings.Count(log, "configuration refused") != 1 || !strings.Contains(log, "line 7") {
			t.Errorf("the log says %s", log)
		}

		tries := 0
		s.answer = func(render.Files) error {
			if tries++; tries < 3 {
				return errors.New("no space left on device")
			}
			return nil
		}
		s.host("good.example")
		time.Sleep(time.Minute)
		synctest.Wait()
		s.want("good.example", 0, time.Hour+10*time.Second)
		if s.report.Err != nil {
			t.Errorf("the report still says %v", s.report.Err)
		}
	})
}

// Changed templates act live; those that fail leave the last good ones in use.
func TestTemplates(t *testing.T) {
	play(t, func(s *stage) {
		s.host("a.example")
		s.sync()
		time.Sleep(time.Minute)
		s.templates <- parse(t, map[string]string{"default-server.tmpl": "# mine"})
		synctest.Wait()
		s.want("a.example", 0, time.Minute)

		time.Sleep(time.Minute)
		for _, bad := range []string{"{{.NoSuchField}}", "refused by nginx"} {
			s.answer = func(f render.Files) error {
				if strings.Contains(string(f.Conf), "refused") {
					return refusal{errors.New("refused")}
				}
				return nil
			}
			s.templates <- parse(t, map[string]string{"default-server.tmpl": bad})
			synctest.Wait()
			s.want("a.example", 0, time.Minute)
		}
		s.host("b.example")
		s.want("b.example", 0, time.Minute, 2*time.Minute)
		if !strings.Contains(s.applied[2].conf, "# mine") {
			t.Error("the last good templates are not in use")
		}
	})
}

// Every Problem is told once, and once more when it is solved.
func TestProblemsAreLogged(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		s.host("no host", "a.example")
		time.Sleep(time.Minute)
		s.host("no host", "a.example", "b.example")
		time.Sleep(time.Minute)
		s.host("a.example")
		log := s.log.String()
		if strings.Count(log, "msg=problem ") != 1 || strings.Count(log, `msg="problem solved"`) != 1 {
			t.Errorf("the log says %s", log)
		}
	})
}

// An object with a name that Kubernetes would refuse is reported and harms nobody.
func TestBadObject(t *testing.T) {
	play(t, func(s *stage) {
		s.host("a.example")
		s.send(source.Event{Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "x\n{"}}})
		s.sync()
		s.want("a.example", 0)
		if !strings.Contains(s.log.String(), "metadata.name") {
			t.Errorf("the log says %s", s.log)
		}
	})
}
