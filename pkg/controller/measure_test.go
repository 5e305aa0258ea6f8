package controller_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/source"
)

// account checks the account of the last turn.
func (s *stage) account(cause, result string, reloads []string, delays ...time.Duration) {
	s.t.Helper()
	turn := s.told().Turn
	if turn.Cause != cause || turn.Result != result || !slices.Equal(turn.Reloads, reloads) {
		s.t.Errorf("the turn is caused by %q and %q, reloads %q; want %q, %q, %q", turn.Cause, turn.Result, turn.Reloads, cause, result, reloads)
	}
	if slices.Sort(turn.Delays); !slices.Equal(turn.Delays, delays) {
		s.t.Errorf("changes waited %v, want %v", turn.Delays, delays)
	}
}

// secret sends a Secret with an API key.
func (s *stage) secret(key string) {
	s.events <- source.Event{Object: &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: "routing"},
		Data:       map[string][]byte{"api-key": []byte(key)},
	}}
}

// other sends another Namespace with a host.
func (s *stage) other(host string) {
	s.events <- source.Event{Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "other", Annotations: map[string]string{"hosts": fmt.Sprintf("{%q: {}}", host)},
	}}}
}

// What is measured of a turn: why, what came of it, and how long changes waited.
func TestAccounts(t *testing.T) {
	play(t, func(s *stage) {
		s.host("a.example")
		pass(time.Hour)
		s.sync()
		s.account("start", "live", []string{"success"})
		r := s.told()
		if r.Counts.Upstreams != 0 || len(r.ProblemKinds) != 7 {
			t.Errorf("upstreams %d, problems %v", r.Counts.Upstreams, r.ProblemKinds)
		}
		if r.Objects["Namespace"] != 1 || r.Objects["Pod"] != 0 || r.Objects["Secret"] != 0 || !r.LiveSince.Equal(time.Now().Add(-gather)) {
			t.Errorf("objects %v, live since %v", r.Objects, r.LiveSince)
		}
		if len(r.Turn.Steps) != 2 || r.Turn.Steps[0].Name != "build" || r.Turn.Steps[1].Name != "render" {
			t.Errorf("steps %v", r.Turn.Steps)
		}

		pass(time.Minute)
		s.host("a.example", "b.example")
		s.account("Namespace", "live", []string{"success"}, gather)
		s.host("a.example", "b.example", "c.example") // waits for the window
		pass(time.Second)
		s.host("a.example", "b.example", "d.example") // counts from the first change
		s.secret("k3y")
		pass(window)
		s.account("several", "live", []string{"success"}, window-2*gather-time.Second, window)

		pass(time.Minute)
		live := s.told().LiveSince
		s.host("a.example", "b.example", "D.example")
		s.account("Namespace", "unchanged", nil)
		if s.told().LiveSince != live {
			t.Error("what is unchanged is live since later")
		}
		pass(time.Minute)
		s.retemplate("# mine")
		s.account("templates", "live", []string{"success"}) // what waited before changed nothing
	})
}

// A change that is refused waits until a later configuration is live; what is
// tried again keeps its cause.
func TestAccountsOfFailures(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		pass(time.Minute)
		s.answers(func(render.Files) error { return refusal{errors.New("unknown directive")} })
		s.host("a.example")
		s.account("Namespace", "failed", []string{"refused"})
		pass(time.Minute)

		s.answers(func(render.Files) error { return errors.New("no space left on device") })
		s.other("b.example")
		pass(gather)
		s.account("Namespace", "failed", []string{"failed"})
		s.answers(nil)
		pass(time.Second)
		s.account("Namespace", "live", []string{"success"}, gather+time.Second, gather+time.Minute+gather+time.Second)
	})
}

// The time that a change waits while a turn is under way counts.
func TestAccountOfAChangeDuringATurn(t *testing.T) {
	play(t, func(s *stage) {
		s.sync()
		pass(time.Minute)
		s.answers(func(render.Files) error { time.Sleep(5 * time.Second); return nil })
		s.host("a.example")
		pass(time.Second)
		s.other("b.example")
		pass(4 * time.Second)
		s.account("Namespace", "live", []string{"success"}, gather+5*time.Second)
		pass(time.Minute)
		s.account("Namespace", "live", []string{"success"}, 9*time.Second+gather)
	})
}

// Every kind of object that the cache keeps may be a cause.
func TestCauses(t *testing.T) {
	for _, o := range []metav1.Object{&corev1.Namespace{}, &corev1.Pod{}, &corev1.Secret{}} {
		if kind := cluster.Kind(o); !slices.Contains(controller.Causes(), kind) {
			t.Errorf("%q is not in the list of causes", kind)
		}
	}
}
