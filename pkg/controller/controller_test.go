package controller_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/source"
)

// Rule "stale beats partial": nothing is rendered before all is known.
func TestNothingBeforeTheFirstFullSync(t *testing.T) {
	play(t, func(s *stage) {
		s.host("a.example")
		pass(time.Hour)
		s.want("")
		s.sync()
		s.want("a.example", gather+time.Hour)
	})
}

// DF26, and the written rule of the window: after a quiet time at once, then at
// most one configuration a window. PX9: a steady stream of events does not
// postpone it.
func TestWindow(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		s.want("", gather)
		pass(10*time.Second - gather)
		s.host("a.example")
		quiet := 10*time.Second + gather
		s.want("a.example", gather, quiet)
		for i := range 30 { // one event each 100 ms for 3 s
			pass(100*time.Millisecond - gather)
			s.host("a.example", fmt.Sprintf("b%d.example", i))
		}
		s.want("b19.example", gather, quiet, quiet+window)
		pass(window)
		s.want("b29.example", gather, quiet, quiet+window, quiet+2*window)
	})
}

// Objects that are applied together arrive one by one and are served together.
func TestWhatBelongsTogether(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		pass(time.Minute - gather)
		for i := range 5 {
			s.events <- source.Event{Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("test-%d", i), Annotations: map[string]string{"hosts": fmt.Sprintf(`{"b%d.example": {}}`, i)},
			}}}
			pass(time.Millisecond)
		}
		pass(gather)
		s.want("b0.example", gather, time.Minute+gather)
		s.want("b4.example", gather, time.Minute+gather)
	})
}

// DF26, DX16: what changes no route causes no reload, and does not delay one.
func TestABatchThatChangesNothing(t *testing.T) {
	play(t, func(s *stage) {
		s.host("a.example")
		s.sync()
		pass(time.Minute)
		s.host("a.example")
		s.send(source.Event{Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: "pending"}}})
		s.send(source.Event{Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: "unknown"}}, Deleted: true})
		s.host("a.example", "A.example") // a Problem, but the same routes
		s.want("a.example", gather)
		begun := time.Since(s.started)
		s.host("a.example", "b.example")
		s.want("b.example", gather, begun+gather)
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
		pass(time.Hour)
		s.want("", gather)
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
		begun := time.Since(s.started)
		s.host("good.example")
		pass(time.Minute)
		s.want("good.example", gather, begun+gather+3*time.Second) // after 1 s and 2 s more
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
		pass(time.Minute)
		s.retemplate("# mine")
		s.want("a.example", gather, time.Minute+3*gather)

		pass(time.Minute)
		for _, bad := range []string{"{{.NoSuchField}}", "refused by nginx"} {
			s.answer = func(f render.Files) error {
				if strings.Contains(string(f.Conf), "refused") {
					return refusal{errors.New("refused")}
				}
				return nil
			}
			s.retemplate(bad)
			s.want("a.example", gather, time.Minute+3*gather)
		}
		pass(window)
		s.host("b.example")
		if n := len(s.applied); n != 3 || !strings.Contains(s.applied[2].conf, "# mine") || !strings.Contains(s.applied[2].conf, "b.example") {
			t.Errorf("after %d configurations, the last good templates are not in use", n)
		}
	})
}

func (s *stage) retemplate(defaultServer string) {
	tm := parse(s.t, map[string]string{"default-server.tmpl": defaultServer})
	s.changes <- controller.Change{What: "templates", Apply: func(p render.Params) render.Params {
		p.Templates = tm
		return p
	}}
	pass(gather)
}

// Every Problem is told once, and once more when it is solved.
func TestProblemsAreLogged(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		s.host("no host", "a.example")
		pass(time.Minute)
		s.host("no host", "a.example", "b.example")
		pass(time.Minute)
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
		s.want("a.example", 2*gather)
		if !strings.Contains(s.log.String(), "metadata.name") {
			t.Errorf("the log says %s", s.log)
		}
	})
}
