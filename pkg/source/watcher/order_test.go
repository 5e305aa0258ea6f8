package watcher

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// script plays watchers to an order.
type script struct {
	t      *testing.T
	notes  chan<- note
	events chan Event
}

// play runs an order for which all is complete.
func play(t *testing.T, claims []string, do func(s *script)) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan Event, 100)
		o := newOrder(claims, events)
		for _, k := range []Kind{Namespaces, Pods, Secrets} {
			o.add(&watcher{Resource: Resource{Kind: k}, wake: make(chan struct{}, 1)})
		}
		go o.run(t.Context())
		s := &script{t, o.notes, events}
		s.say("+team", "+team/old=/app", "+team2", "+key:team")
		s.all(complete)
		s.hear("+team", "+team/old", "+team2", "+key:team", "synced")
		do(s)
	})
}

// all says the same of all three.
func (s *script) all(w what) {
	for _, k := range []Kind{Namespaces, Pods, Secrets} {
		s.notes <- note{kind: k, what: w}
	}
}

// say tells of Namespaces ("+team", "+team#uid"), Pods ("+team/name=claim") and
// Secrets ("+key:team"); "-" is a deletion and "~" the end of a Pod that begins.
func (s *script) say(words ...string) {
	for _, word := range words {
		n := note{object: &corev1.Namespace{}}
		rest, secret := strings.CutPrefix(word[1:], "key:")
		rest, claim, _ := strings.Cut(rest, "=")
		rest, uid, _ := strings.Cut(rest, "#")
		namespace, name, isPod := strings.Cut(rest, "/")
		meta := metav1.ObjectMeta{Name: rest, UID: types.UID(uid)}
		switch {
		case secret:
			n = note{kind: Secrets, object: &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: rest, Name: "key"}}}
		case isPod:
			meta = metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{"paths": claim, "own": name}}
			if word[0] == '~' {
				meta.DeletionTimestamp = &metav1.Time{Time: time.Now()}
			}
			n = note{kind: Pods, object: &corev1.Pod{ObjectMeta: meta}}
		default:
			n.object = &corev1.Namespace{ObjectMeta: meta}
		}
		if word[0] == '-' {
			n.what = deleted
		}
		s.notes <- n
	}
}

// hear wants to hear exactly this by now.
func (s *script) hear(want ...string) {
	s.t.Helper()
	synctest.Wait()
	var got []string
	for len(s.events) > 0 {
		e := <-s.events
		switch o := e.Object.(type) {
		case nil:
			got = append(got, "synced")
			continue
		case *corev1.Namespace:
			got = append(got, o.Name)
		case *corev1.Pod:
			got = append(got, o.Namespace+"/"+o.Name)
		case *corev1.Secret:
			got = append(got, "key:"+o.Namespace)
		}
		sign := "+"
		if e.Deleted {
			sign = "-"
		}
		got[len(got)-1] = sign + got[len(got)-1]
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("heard %q, want %q", got, want)
	}
}

func (s *script) lose(k Kind)     { s.notes <- note{kind: k, what: lost} }
func (s *script) complete(k Kind) { s.notes <- note{kind: k, what: complete} }

// While all are well nothing waits but the deletion of a Secret, for a moment.
func TestOrder(t *testing.T) {
	play(t, nil, func(s *script) {
		s.say("+new", "+new/a=/b", "+key:new", "-team/old", "-team2")
		s.hear("+new", "+new/a", "+key:new", "-team/old", "-team2")
		s.say("-key:team")
		time.Sleep(moment - time.Nanosecond)
		s.hear()
		time.Sleep(time.Nanosecond)
		s.hear("-key:team")
		s.say("-key:new", "+key:new") // it has not gone
		time.Sleep(time.Hour)
		s.hear("+key:new")
	})
}

// Without Secrets nothing new is served, for as long as that takes; what is deleted
// goes, and Pods that claim what was claimed before may come.
func TestOrderWithoutSecrets(t *testing.T) {
	play(t, []string{"paths"}, func(s *script) {
		s.lose(Secrets)
		s.say("+new", "+new/a=/a", "+team#other label", "+team/next=/app", "+team/more=/more", "-team2", "~team/old=/app", "+key:new")
		s.hear("-team2", "+team/old", "+key:new")
		time.Sleep(grace - time.Nanosecond)
		s.hear()
		time.Sleep(time.Nanosecond)
		s.hear() // the Namespace is another one
		s.complete(Secrets)
		s.hear("+new", "+team", "+new/a", "+team/more", "+team/next")

		s.lose(Secrets)
		s.say("+team/third=/app", "+team/fourth=/fourth", "+team2/a=/app")
		time.Sleep(grace)
		s.hear("+team/third")
		s.say("+team/fifth=/app", "-team/fourth", "+team/sixth=/sixth", "+team/sixth=/app")
		s.hear("+team/fifth", "-team/fourth", "+team/sixth")
		s.lose(Secrets) // again, in vain
		time.Sleep(time.Hour)
		s.hear()
		s.complete(Secrets)
		s.hear("+team2/a")
	})
	play(t, nil, func(s *script) { // any annotation may be a claim
		s.lose(Secrets)
		s.say("+team/next=/app", "+team/old=/app")
		time.Sleep(grace)
		s.hear("+team/old")
		s.complete(Secrets)
		s.hear("+team/next")
	})
}

// A Secret that has gone opens nothing that has gone, too, or has been changed.
func TestOrderWithoutPods(t *testing.T) {
	for _, k := range []Kind{Namespaces, Pods} {
		play(t, nil, func(s *script) {
			s.say("-key:team")
			s.lose(k)
			time.Sleep(time.Hour)
			s.hear()
			s.say("+key:team2")
			s.hear("+key:team2")
			s.complete(k)
			s.say("-team/old", "-team")
			time.Sleep(moment)
			s.hear("-team/old", "-team", "-key:team")
		})
	}
}

// Nothing is complete before all are at the same time.
func TestOrderSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan Event, 10)
		o := newOrder(nil, events)
		for _, k := range []Kind{Namespaces, Pods, Secrets} {
			o.add(&watcher{Resource: Resource{Kind: k}, wake: make(chan struct{}, 1)})
		}
		go o.run(t.Context())
		s := &script{t, o.notes, events}
		s.complete(Secrets)
		s.complete(Namespaces)
		s.lose(Secrets)
		s.say("+team/a=/a", "-key:team")
		s.hear("+team/a", "-key:team")
		for _, stream := range o.streams {
			select {
			case <-stream.watcher.wake: // earlier
			default:
			}
		}
		s.complete(Pods)
		s.hear()
		if len(o.streams[Secrets].watcher.wake) != 1 || len(o.streams[Namespaces].watcher.wake) != 0 {
			t.Error("not only those that wait are told that the API server answers")
		}
		s.complete(Secrets)
		s.complete(Secrets)
		s.hear("synced")
	})
}
