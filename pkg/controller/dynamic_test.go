package controller_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/source"
)

// book is a Directory that notes when it was told what.
type book struct {
	mu      sync.Mutex
	started time.Time
	now     string
	told    []string
}

func (b *book) Set(services []discovery.Service) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, s := range services {
		var endpoints []string
		for _, e := range s.Endpoints {
			endpoints = append(endpoints, fmt.Sprintf("%v*%d", e.Addr.Addr(), e.Weight))
		}
		all = append(all, strings.Join(endpoints, " "))
	}
	slices.Sort(all)
	if now := strings.Join(all, ", "); now != b.now || b.told == nil {
		b.now = now
		b.told = append(b.told, fmt.Sprintf("%v: %s", time.Since(b.started), now))
		return 1
	}
	return 0
}

// playDynamic is play where endpoints change without a reload.
func playDynamic(t *testing.T, scenario func(*stage, *book)) {
	playDynamicWith(t, func(*controller.Controller) {}, scenario)
}

func playDynamicWith(t *testing.T, change func(*controller.Controller), scenario func(*stage, *book)) {
	b := &book{}
	playWith(t, func(c *controller.Controller) {
		change(c)
		b.furnish(c)
	}, func(s *stage) { scenario(s, b) })
}

// furnish has a controller tell its endpoints to the book.
func (b *book) furnish(c *controller.Controller) {
	b.started = time.Now()
	c.Directory, c.Options.Dynamic = b, true
	c.Params.Dynamic = &render.Dynamic{Resolver: netip.MustParseAddrPort("127.0.0.1:9252"), Empty: netip.MustParseAddrPort("127.0.0.1:9253")}
}

// last is what was told last.
func (b *book) last() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *book) want(t *testing.T, told ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.told, told) {
		t.Fatalf("told:\n%s\nwant:\n%s", strings.Join(b.told, "\n"), strings.Join(told, "\n"))
	}
}

// ip sends a Pod at 10.0.0.n for a path; entry goes on with further fields.
func (s *stage) pod(n int, ready bool, path, entry string) {
	s.events <- source.Event{Object: &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "test", Name: fmt.Sprintf("p%d", n),
			Annotations: map[string]string{"paths": fmt.Sprintf(`[{"basePath": %q, "containerPort": 80%s}]`, path, entry)},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.0.0.%d", n), Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: map[bool]corev1.ConditionStatus{true: "True", false: "False"}[ready], LastTransitionTime: metav1.Now()},
		}},
	}}
	pass(0)
}

// Endpoints are told at once and need no configuration; what does need one waits
// for the window, and the rest doesn't wait for it.
func TestEndpointsDontWait(t *testing.T) {
	playDynamic(t, func(s *stage, b *book) {
		s.host("a.example")
		s.sync()
		s.pod(1, true, "/a", "")
		pass(20*time.Second - time.Since(s.started))
		s.want("a.example", gather, gather+window) // the Pod brings a path
		b.want(t, "10ms: ", "30ms: 10.0.0.1*1")

		s.pod(2, true, "/a", "")
		s.pod(1, false, "/a", "") // both at once
		pass(gather)
		s.pod(1, true, "/a", `, "weight": 7`)
		pass(gather)
		s.want("a.example", gather, gather+window)
		s.pod(3, true, "/b", "") // a new path
		pass(gather)
		s.pod(4, true, "/c", "") // and another one, for which it is too early
		pass(gather)
		s.pod(2, false, "/a", "")
		pass(gather)
		b.want(t, "10ms: ", "30ms: 10.0.0.1*1", "20.01s: 10.0.0.2*1", "20.02s: 10.0.0.1*7 10.0.0.2*1", "20.03s: 10.0.0.1*7 10.0.0.2*1, 10.0.0.3*1",
			"20.04s: 10.0.0.1*7 10.0.0.2*1, 10.0.0.3*1, 10.0.0.4*1", "20.05s: 10.0.0.1*7, 10.0.0.3*1, 10.0.0.4*1")
		s.want("a.example", gather, gather+window, 20*time.Second+3*gather)
		pass(window)
		s.want("a.example", gather, gather+window, 20*time.Second+3*gather, 22*time.Second+3*gather)
		if s.report.Counts.Endpoints != 3 || s.report.Err != nil {
			t.Errorf("the report says %+v", s.report)
		}
	})
}

// A key that is demanded from now on is demanded of the Pods that come with it, too:
// by the rules that nginx serves until then, they get no request.
func TestNobodyIsReachedByOlderRules(t *testing.T) {
	playDynamic(t, func(s *stage, b *book) {
		s.host("a.example")
		s.pod(1, true, "/a", "")
		s.sync()
		pass(window / 2)
		s.want("a.example", gather)
		b.want(t, "10ms: 10.0.0.1*1")
		s.send(source.Event{Object: &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: "routing"}, Data: map[string][]byte{"api-key": []byte("secret")}}})
		s.pod(2, true, "/a", "")
		b.want(t, "10ms: 10.0.0.1*1")
		pass(window)
		s.want("a.example", gather, gather+window)
		b.want(t, "10ms: 10.0.0.1*1", "2.01s: 10.0.0.1*1 10.0.0.2*1")
	})
}

// A refused configuration holds up no endpoint of those paths whose rules are the
// same, also at its end.
func TestEndpointsOfARefusedConfiguration(t *testing.T) {
	playDynamic(t, func(s *stage, b *book) {
		s.host("a.example")
		s.pod(1, true, "/a", "")
		s.sync()
		pass(time.Minute)
		s.answers(func(render.Files) error { return refusal{errors.New("no")} })
		s.pod(3, true, "/b", "")
		pass(time.Minute)
		s.pod(2, true, "/a", "")
		pass(gather)
		s.pod(1, false, "/a", "")
		pass(gather)
		b.want(t, "10ms: 10.0.0.1*1", "1m0.03s: 10.0.0.1*1, 10.0.0.3*1", "2m0.03s: 10.0.0.1*1 10.0.0.2*1, 10.0.0.3*1", "2m0.04s: 10.0.0.2*1, 10.0.0.3*1")
		pass(time.Minute)
		if s.told().Err == nil {
			t.Error("the report tells of no error")
		}
		s.want("a.example", gather)
	})
}

// A Pod that is spared at first comes to its full share as time goes by.
func TestSlowStart(t *testing.T) {
	playDynamic(t, func(s *stage, b *book) {
		s.host("a.example")
		s.pod(1, true, "/a", `, "slowStart": "10s"`)
		s.sync()
		pass(time.Minute)
		b.mu.Lock()
		b.told = b.told[:1]
		b.mu.Unlock()
		began := len(s.applications())
		s.pod(2, true, "/a", `, "slowStart": "10s"`)
		pass(time.Minute)
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.told) != 11 || b.told[1] != "1m0.03s: 10.0.0.1*100 10.0.0.2*10" || b.told[2] != "1m1s: 10.0.0.1*100 10.0.0.2*20" || b.told[10] != "1m9s: 10.0.0.1*1 10.0.0.2*1" {
			t.Errorf("told:\n%s", strings.Join(b.told, "\n"))
		}
		if n := len(s.applications()); n != began {
			t.Errorf("it took %d configurations", n-began)
		}
	})
}

// While nginx takes its time over a configuration, endpoints go on to change: those
// of paths whose rules stay as they are, and those that are gone.
func TestEndpointsDontWaitForAReload(t *testing.T) {
	playDynamic(t, func(s *stage, b *book) {
		s.host("a.example")
		s.pod(1, true, "/a", "")
		s.pod(3, true, "/b", "")
		s.sync()
		pass(time.Minute - time.Since(s.started))
		s.slow = time.Second
		s.pod(3, true, "/b", `, "targetPath": "/x"`) // other rules for /b
		pass(100 * time.Millisecond)
		s.pod(2, true, "/a", "")
		s.pod(4, true, "/b", `, "targetPath": "/x"`) // not by the old rules, and not before it is known which nginx has
		pass(100 * time.Millisecond)
		s.pod(1, false, "/a", "")
		pass(100 * time.Millisecond)
		told := []string{"10ms: 10.0.0.1*1, 10.0.0.3*1", "1m0.11s: 10.0.0.1*1 10.0.0.2*1, 10.0.0.3*1", "1m0.21s: 10.0.0.2*1, 10.0.0.3*1"}
		b.want(t, told...)
		pass(time.Second)
		b.want(t, append(told, "1m1.01s: 10.0.0.2*1, 10.0.0.3*1 10.0.0.4*1")...)
		pass(time.Minute)
		if n := len(s.applications()); n != 2 || s.told().Counts.Endpoints != 3 {
			t.Errorf("%d configurations, %+v", n, s.told().Counts)
		}
		if log := s.log.String(); !strings.Contains(log, "endpoints live") {
			t.Errorf("nobody says that endpoints went live during the reload: %s", log)
		}
	})
}
