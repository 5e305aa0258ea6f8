package watcher

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// stage plays watchers of every kind to an order.
type stage struct {
	t      *testing.T
	notes  chan<- note
	events chan Event
}

func all() []Kind {
	return []Kind{Namespaces, Services, EndpointSlices, Pods, StatefulSets, IngressClasses, Ingresses, TLSSecrets, Secrets, ConfigMaps, ConfigMaps + 1}
}

func perform(t *testing.T, do func(s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan Event, 100)
		o := newOrder([]string{"paths"}, events)
		for _, k := range all() {
			o.add(&watcher{Resource: Resource{Kind: k}, wake: make(chan struct{}, 1)})
		}
		go o.run(t.Context())
		s := &stage{t, o.notes, events}
		s.say(EndpointSlices, "known", newState)
		s.hear("known")
		for _, k := range all() {
			s.notes <- note{kind: k, what: complete}
		}
		s.hear("synced")
		do(s)
	})
}

// say tells of an object, which of an EndpointSlice is named as its Service.
func (s *stage) say(k Kind, name string, w what) {
	meta := metav1.ObjectMeta{Namespace: "team", Name: name}
	n := note{kind: k, what: w, object: &corev1.ConfigMap{ObjectMeta: meta}}
	switch k {
	case EndpointSlices:
		meta.Labels = map[string]string{discoveryv1.LabelServiceName: name}
		n.object = &discoveryv1.EndpointSlice{ObjectMeta: meta}
	case Ingresses:
		n.object = &networkingv1.Ingress{ObjectMeta: meta}
	}
	s.notes <- n
}

func (s *stage) lose(kinds ...Kind) {
	for _, k := range kinds {
		s.notes <- note{kind: k, what: lost}
	}
}

func (s *stage) complete(k Kind) { s.notes <- note{kind: k, what: complete} }

func (s *stage) hear(want ...string) {
	s.t.Helper()
	synctest.Wait()
	var got []string
	for len(s.events) > 0 {
		e := <-s.events
		switch {
		case e.Synced:
			got = append(got, "synced")
		case e.Deleted:
			got = append(got, "-"+e.Object.GetName())
		default:
			got = append(got, e.Object.GetName())
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("heard %q, want %q", got, want)
	}
}

// What may open something waits for Secrets, and what is behind a Service for Services,
// too; what opens nothing never waits.
func TestKindsWait(t *testing.T) {
	for lost, waits := range map[Kind]string{
		Secrets:  "namespace service slice class ingress tls",
		Services: "slice ingress",
		Pods:     "", IngressClasses: "", ConfigMaps: "", EndpointSlices: "", StatefulSets: "",
	} {
		perform(t, func(s *stage) {
			s.lose(lost)
			waiting := []string{}
			for _, n := range []struct {
				kind Kind
				name string
			}{{Namespaces, "namespace"}, {Services, "service"}, {EndpointSlices, "slice"}, {StatefulSets, "set"}, {IngressClasses, "class"}, {Ingresses, "ingress"}, {TLSSecrets, "tls"}, {ConfigMaps + 1, "map"}} {
				s.say(n.kind, n.name, newState)
				synctest.Wait()
				if len(s.events) == 0 {
					waiting = append(waiting, n.name)
				}
				for len(s.events) > 0 {
					<-s.events
				}
			}
			want := strings.Fields(waits)
			if !slices.Equal(waiting, want) {
				t.Errorf("without kind %d: %q wait, want %q", lost, waiting, want)
			}
			for _, k := range all() {
				if k != IngressClasses && k != Secrets {
					s.say(k, "gone", deleted)
					s.hear("-gone")
				}
			}
			time.Sleep(time.Hour)
			s.complete(lost)
			s.hear(want...) // in the order of their kinds
		})
	}
}

// The endpoints of a Service that has had some go on to change, after a while.
func TestKnownServicesGoOn(t *testing.T) {
	for _, k := range []Kind{Secrets, Services} {
		perform(t, func(s *stage) {
			s.lose(k)
			s.say(EndpointSlices, "known", newState)
			s.say(EndpointSlices, "new", newState)
			s.hear()
			time.Sleep(grace)
			s.hear("known")
			s.lose(Services, Secrets) // more goes
			s.say(EndpointSlices, "known", newState)
			time.Sleep(grace)
			s.hear("known")
			s.complete(Services)
			s.hear()
			s.complete(Secrets)
			s.hear("new")
		})
	}
}

// The deletion of a Secret opens nothing of which the end has only not been told, and
// that of an IngressClass waits as what opens something.
func TestDeletionsThatOpen(t *testing.T) {
	for _, k := range all() {
		perform(t, func(s *stage) {
			s.lose(k)
			s.say(Secrets, "key", deleted)
			time.Sleep(time.Hour)
			if len(k.needs()) == 0 {
				s.hear("-key")
				return
			}
			s.hear()
			s.complete(k)
			time.Sleep(moment)
			s.hear("-key")
		})
	}
	perform(t, func(s *stage) {
		s.lose(Secrets)
		s.say(IngressClasses, "theirs", deleted)
		s.hear()
		s.complete(Secrets)
		s.hear("-theirs")
	})
}
