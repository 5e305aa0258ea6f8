package controller_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/source"
)

// plain is a Namespace with one host.
func (s *stage) plain(name, host string) {
	s.send(source.Event{Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Annotations: map[string]string{"hosts": fmt.Sprintf(`{%q: {}}`, host)},
	}}})
}

// server is a Pod that serves the path / of its Namespace's hosts while it is ready.
func (s *stage) server(namespace, name, ip string, ready bool) {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	s.send(source.Event{Object: &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{"paths": `[{"basePath": "/", "containerPort": 80}]`}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}},
	}})
}

func (s *stage) last() string {
	all := s.applications()
	return all[len(all)-1].conf
}

func withBudget(budget int) func(*controller.Controller) {
	return func(c *controller.Controller) { c.Window, c.Pace.Budget = 10*time.Millisecond, budget }
}

// TestReloadBudget: a Namespace that changes all the time has its changes gathered, with a
// Problem that says so; another's change goes live at once, and carries everything.
func TestReloadBudget(t *testing.T) {
	playWith(t, withBudget(3), func(s *stage) {
		s.plain("quiet", "quiet.example")
		s.sync()
		pass(time.Minute)
		n := 0
		hostile := func(d time.Duration) { // changes 20 times a second
			for end := time.Now().Add(d); time.Now().Before(end); n++ {
				s.plain("hostile", fmt.Sprintf("h%d.example", n))
				pass(50*time.Millisecond - gather)
			}
		}
		hostile(9 * time.Second)
		if got := len(s.applications()) - 1; got != 3 {
			t.Fatalf("%d reloads in spite of a budget of 3", got)
		}
		report := s.told()
		if report.Gathered != 1 || report.Waiting != "budget" || len(report.Problems) != 1 || report.Problems[0].Ref.String() != "Namespace/hostile" {
			t.Errorf("the report says %d %q %v", report.Gathered, report.Waiting, report.Problems)
		}

		asked := time.Now()
		s.plain("quiet", "new.example")
		pass(gather)
		if all := s.applications(); !strings.Contains(s.last(), "server_name new.example;") || s.started.Add(all[len(all)-1].after).Sub(asked) > 50*time.Millisecond {
			t.Error("the other's change waits")
		}
		if latest := fmt.Sprintf("server_name h%d.example;", n-1); !strings.Contains(s.last(), latest) {
			t.Errorf("with it, not all goes live: %s is missing", latest)
		}
		if log := s.log.String(); !strings.Contains(log, `namespaces="[hostile quiet]"`) || !strings.Contains(log, "reason=budget") {
			t.Errorf("the log says %s", log)
		}
		// Its own Problems are told although its changes wait.
		s.plain("hostile", "no host")
		pass(2 * time.Second)
		if report := s.told(); len(report.Problems) != 2 || report.Waiting == "" {
			t.Errorf("the report says %v", report.Problems)
		}

		before := len(s.applications())
		hostile(10 * time.Minute)
		if got := len(s.applications()) - before; got < 8 || got > 13 { // after 10, 20, 40, 60, 60… seconds
			t.Errorf("%d reloads in 10 minutes", got)
		}
		pass(3 * time.Minute)
		before = len(s.applications())
		if report := s.told(); report.Gathered != 0 || report.Waiting != "" || len(report.Problems) > 0 {
			t.Errorf("after a quiet time the report says %d %q %v", report.Gathered, report.Waiting, report.Problems)
		}
		s.plain("hostile", "calm.example")
		if len(s.applications()) != before+1 || !strings.Contains(s.last(), "calm.example") {
			t.Error("after a quiet time a change does not go live")
		}
	})
}

// TestNoRebuildWhileWaiting: changes that wait don't have everything built again and again.
func TestNoRebuildWhileWaiting(t *testing.T) {
	reports := 0
	playWith(t, func(c *controller.Controller) {
		withBudget(1)(c)
		report := c.Report
		c.Report = func(r controller.Report) { reports++; report(r) }
	}, func(s *stage) {
		s.sync()
		s.plain("hostile", "h.example")
		begun := reports
		for i := range 90 { // 9 seconds
			s.plain("hostile", fmt.Sprintf("h%d.example", i))
			pass(100*time.Millisecond - gather)
		}
		if n := reports - begun; n > 11 {
			t.Errorf("it was looked at %d times in 9 seconds", n)
		}
		if len(s.applications()) != 2 {
			t.Errorf("there were %d configurations", len(s.applications()))
		}
	})
}

// TestCrashLoop: a Pod that comes and goes all the time is taken into the text only once
// it stays, and leaves it at once.
func TestCrashLoop(t *testing.T) {
	playWith(t, withBudget(30), func(s *stage) {
		s.plain("shop", "shop.example")
		s.server("shop", "good", "10.0.0.1", true)
		s.sync()
		for range 60 * 60 / 20 { // an hour
			s.server("shop", "bad", "10.0.0.2", true)
			pass(10*time.Second - gather)
			s.server("shop", "bad", "10.0.0.2", false)
			pass(10*time.Second - gather)
		}
		if n := len(s.applications()); n > 12 {
			t.Errorf("%d reloads in an hour", n)
		}
		before := len(s.applications())
		s.server("shop", "bad", "10.0.0.2", true)
		pass(59 * time.Second)
		if strings.Contains(s.last(), "10.0.0.2") {
			t.Error("it was taken in before it has stayed")
		}
		pass(2 * time.Second)
		if !strings.Contains(s.last(), "10.0.0.2") || len(s.applications()) != before+1 {
			t.Error("it has stayed, and was not taken in")
		}
		s.server("shop", "bad", "10.0.0.2", false)
		if strings.Contains(s.last(), "10.0.0.2") {
			t.Error("it is gone, and still in the text")
		}
	})
}

// TestStrayAddress: while a change waits, an address does not stay in the text that now
// belongs to another tenant's Pod.
func TestStrayAddress(t *testing.T) {
	playWith(t, withBudget(2), func(s *stage) {
		s.plain("shop", "shop.example")
		s.server("shop", "a", "10.0.0.1", true)
		s.plain("other", "other.example")
		s.sync()
		s.server("shop", "a", "10.0.0.2", true)
		s.server("shop", "a", "10.0.0.1", true)
		before := len(s.applications())
		s.server("shop", "a", "10.0.0.3", true)
		if len(s.applications()) != before {
			t.Fatal("it does not wait")
		}
		s.server("other", "b", "10.0.0.1", false)
		if len(s.applications()) == before || strings.Contains(s.last(), "10.0.0.1") {
			t.Error("requests go on to an address that is another tenant's")
		}
	})
}

// TestDrainingWorkers: while far too many old workers of nginx are there, all changes are
// gathered, and none waits for ever.
func TestDrainingWorkers(t *testing.T) {
	workers := 65
	playWith(t, func(c *controller.Controller) {
		withBudget(0)(c)
		c.Pace.MaxDraining, c.Draining = 32, func() int { return workers }
	}, func(s *stage) {
		s.sync()
		for i := range 100 { // seconds
			s.plain(fmt.Sprint("n", i), fmt.Sprintf("h%d.example", i))
			pass(time.Second - gather)
		}
		if n := len(s.applications()); n != 4 || s.told().Waiting != "draining" {
			t.Errorf("%d configurations in 100 seconds, waiting because of %q", n, s.told().Waiting)
		}
		workers = 0
		s.plain("last", "last.example")
		pass(time.Second)
		if !strings.Contains(s.last(), "last.example") || s.told().Waiting != "" {
			t.Error("it still waits")
		}
	})
}

// TestTemplatesDoNotWait: what an operator changes goes live at once, with all that waits.
func TestTemplatesDoNotWait(t *testing.T) {
	playWith(t, withBudget(1), func(s *stage) {
		s.sync()
		s.plain("hostile", "h0.example")
		s.plain("hostile", "h1.example")
		s.retemplate("# mine")
		if !strings.Contains(s.last(), "# mine") || !strings.Contains(s.last(), "h1.example") {
			t.Error("the templates wait")
		}
	})
}

// TestEndpointsDontWaitForBudgets: where nginx is told the endpoints, they are told while a
// change of the configuration waits; also those of a host of which somebody else's change
// waits, so that one tenant can't keep another's Pods away.
func TestEndpointsDontWaitForBudgets(t *testing.T) {
	playDynamicWith(t, withBudget(4), func(s *stage, b *book) {
		s.plain("a", "shared.example")
		s.plain("z", "shared.example")
		s.server("z", "web", "10.0.0.1", true)
		s.sync()
		for i := range 9 {
			s.plain("hostile", fmt.Sprintf("h%d.example", i))
		}
		before := len(s.applications())
		if s.told().Waiting != "budget" {
			t.Fatal("nothing waits")
		}
		s.server("z", "web", "10.0.0.2", true)
		pass(gather)
		if now := b.last(); !strings.Contains(now, "10.0.0.2") || strings.Contains(now, "10.0.0.1") || len(s.applications()) != before {
			t.Errorf("told: %s, by %d reloads", now, len(s.applications())-before)
		}

		for i := range 9 { // who declares the host changes, and its rules with it
			s.plain("m", []string{"else.example", "shared.example"}[i%2])
		}
		s.server("z", "web", "10.0.0.3", true)
		pass(gather)
		if now := b.last(); !strings.Contains(now, "10.0.0.3") {
			t.Errorf("told: %s", now)
		}
	})
}
