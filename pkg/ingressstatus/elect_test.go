package ingressstatus_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/30x/dispatcher/pkg/ingressstatus"
)

// holder is who has the Lease.
func (p *player) holder() string {
	p.Helper()
	lease, err := p.client.CoordinationV1().Leases("dispatcher").Get(p.Context(), "ingress-status-public", metav1.GetOptions{})
	if err != nil {
		p.Fatal(err)
	}
	return *lease.Spec.HolderIdentity
}

// line gives the only line of the log that has these words.
func (p *player) line(words string) string {
	p.Helper()
	var found []string
	for line := range strings.Lines(p.told()) {
		if strings.Contains(line, words) {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		p.Fatalf("%d lines say %q:\n%s", len(found), words, p.told())
	}
	return found[0]
}

func as(identity string) func(*ingressstatus.Options) {
	return func(o *ingressstatus.Options) { o.Identity = identity }
}

// TestOneReplicaWrites: of many replicas one writes; when it ends, it hands over and
// leaves what it has written, and the next one knows what the last one wrote.
func TestOneReplicaWrites(t *testing.T) {
	t.Parallel()
	web := by(ingress("web", "public")) // the fake keeps account of what already has managedFields
	play(t, fake.NewClientset(web), func(p *player) {
		first, end := p.writer(as("first"))
		first.Set(report(web))
		p.pass(time.Second)
		second, _ := p.writer(as("second"))
		second.Set(report(web))
		p.pass(10 * time.Minute)
		p.says("web", address)
		if p.holder() != "first" || p.asked("list", "ingresses") != 2 || p.asked("update", "ingresses/status") != 1 {
			t.Errorf("%s leads, %d looks, %d writes", p.holder(), p.asked("list", "ingresses"), p.asked("update", "ingresses/status"))
		}
		end()
		p.says("web", address)
		moved := ingress("web", "nginx")
		o, err := p.client.NetworkingV1().Ingresses("shop").Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		o.Spec = moved.Spec
		if _, err := p.client.NetworkingV1().Ingresses("shop").Update(t.Context(), o, metav1.UpdateOptions{FieldManager: "kubectl"}); err != nil {
			t.Fatal(err)
		}
		second.Set(report())
		p.pass(25 * time.Second) // less than the Lease lasts
		if p.holder() != "second" {
			t.Errorf("%q leads", p.holder())
		}
		p.says("web")
	})
}

// TestLeaderFails: who is cut off writes no more before another one does.
func TestLeaderFails(t *testing.T) {
	t.Parallel()
	web := ingress("web", "public")
	play(t, fake.NewClientset(web), func(p *player) {
		survivor := p.client
		cut := fake.NewClientset() // of the first replica alone, on the same objects
		var dead atomic.Bool
		cut.PrependReactor("*", "*", clienttesting.ObjectReaction(survivor.Tracker()))
		cut.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
			return dead.Load(), nil, errors.New("no route to host")
		})
		p.client = cut
		first, _ := p.writer(as("first"), func(o *ingressstatus.Options) { o.Addresses = []string{"192.0.2.1"} })
		first.Set(report(web))
		p.pass(time.Second)
		p.says("web", "192.0.2.1")
		dead.Store(true)
		p.client = survivor
		second, _ := p.writer(as("second"), func(o *ingressstatus.Options) { o.Addresses = []string{"192.0.2.2"} })
		second.Set(report(web))
		p.pass(44 * time.Second)
		if p.holder() != "first" {
			t.Errorf("%q leads before the Lease has ended", p.holder())
		}
		p.client = cut
		asked := func() int { return p.asked("get", "ingresses") + p.asked("list", "ingresses") }
		before := asked()
		first.Set(report()) // it may not act on this any more
		p.pass(time.Second)
		if n := asked() - before; n != 0 {
			t.Errorf("%d requests without the Lease", n)
		}
		p.client = survivor
		p.pass(21 * time.Second)
		if p.holder() != "second" {
			t.Errorf("%q leads, although the first is cut off", p.holder())
		}
		p.says("web", "192.0.2.2")
		p.line("status of Ingresses can't be used")
		if err := survivor.Tracker().Add(ingress("more", "public")); err != nil {
			t.Fatal(err)
		}
		p.pass(time.Hour / 2)
		p.says("more")
		if n := len(cut.Actions()); n > 2*60*60/9 {
			t.Errorf("%d requests of a replica that is cut off", n)
		}
	})
}

// TestRightsMissing: what the account may not do is told once, with the rule; it is
// tried at a low rate, and the rest is done.
func TestRightsMissing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ verb, resource, words, todo string }{
		"get leases":    {"get", "leases", "status of Ingresses can't be used", "get, create and update leases (coordination.k8s.io)"},
		"create leases": {"create", "leases", "status of Ingresses can't be used", "get, create and update leases (coordination.k8s.io)"},
		"update leases": {"update", "leases", "status of Ingresses can't be used", "get, create and update leases (coordination.k8s.io)"},
		"list":          {"list", "ingresses", "can't be read", "get and list ingresses"},
		"get":           {"get", "ingresses", "can't be written", "get and list ingresses"},
		"update":        {"update", "ingresses/status", "can't be written", "update ingresses/status (networking.k8s.io)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, two := ingress("one", "public"), ingress("two", "public")
			client := fake.NewClientset(one, two)
			kind, sub, _ := strings.Cut(tc.resource, "/")
			var granted atomic.Bool
			client.PrependReactor(tc.verb, kind, func(a clienttesting.Action) (bool, runtime.Object, error) {
				if granted.Load() || a.GetSubresource() != sub {
					return false, nil, nil
				}
				return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: tc.resource}, "one", errors.New("no rule"))
			})
			play(t, client, func(p *player) {
				w, _ := p.writer(func(o *ingressstatus.Options) {
					if kind != "leases" {
						rarely(o)
					}
				})
				w.Set(report(one, two))
				p.pass(55 * time.Minute)
				line := p.line("level=WARN")
				if !strings.Contains(line, tc.words) || !strings.Contains(line, tc.todo) || !strings.Contains(line, "forbidden") {
					t.Errorf("it is told: %s", line)
				}
				if n := p.asked(tc.verb, tc.resource); n > 400 {
					t.Errorf("%d requests in less than an hour", n)
				}
				granted.Store(true)
				p.pass(11 * time.Minute)
				if tc.verb != "get" || tc.resource != "ingresses" {
					p.says("one", address)
				}
			})
		})
	}
}

// TestAgain: a conflict, and an API server that fails for a while, cost nothing but
// time, and few requests.
func TestAgain(t *testing.T) {
	t.Parallel()
	web, api := ingress("web", "public"), ingress("api", "public")
	client := fake.NewClientset(web, api)
	var mu sync.Mutex
	failures := []error{
		apierrors.NewConflict(networkingv1.Resource("ingresses"), "web", errors.New("it was modified")),
		apierrors.NewServiceUnavailable("etcd is away"),
		apierrors.NewTooManyRequestsError("slowly"),
	}
	client.PrependReactor("update", "ingresses", func(a clienttesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()
		u, ok := a.(clienttesting.UpdateAction)
		if !ok || u.GetObject().(*networkingv1.Ingress).Name != "web" || len(failures) == 0 {
			return false, nil, nil
		}
		err := failures[0]
		failures = failures[1:]
		return true, nil, err
	})
	play(t, client, func(p *player) {
		w, _ := p.writer(rarely)
		w.Set(report(web, api))
		p.pass(time.Second / 4)
		p.says("api", address)
		p.pass(5 * time.Second)
		p.says("web", address)
		if strings.Contains(p.told(), "level=WARN") {
			t.Errorf("it is told:\n%s", p.told())
		}
		mu.Lock()
		failures = slices.Repeat([]error{apierrors.NewServiceUnavailable("etcd is away")}, 1000)
		mu.Unlock()
		before := p.asked("update", "ingresses/status")
		w.Set(report(api))
		p.pass(time.Minute)
		if _, err := client.NetworkingV1().Ingresses("shop").Patch(t.Context(), "web", "application/merge-patch+json", []byte(`{"status":{"loadBalancer":{"ingress":null}}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Set(report(api, web))
		p.pass(50 * time.Minute)
		if n := p.asked("update", "ingresses/status") - before; n == 0 || n > 6*6 {
			t.Errorf("%d tries in 50 minutes", n)
		}
		p.line("can't be written")
	})
}

// TestManyIngresses: what is asked of the API server is limited, however many there are.
func TestManyIngresses(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	var all []*networkingv1.Ingress
	for i := range 500 {
		o := ingress("web-"+strconv.Itoa(i), "public")
		all = append(all, o)
		if err := client.Tracker().Add(o); err != nil {
			t.Fatal(err)
		}
	}
	play(t, client, func(p *player) {
		w, _ := p.writer()
		w.Set(report(all...))
		p.pass(60 * time.Second)
		if n := p.asked("update", "ingresses/status"); n < 5*60 || n > 5*60+21 {
			t.Errorf("%d writes in a minute", n)
		}
		p.pass(time.Minute)
		if n := p.asked("update", "ingresses/status"); n != len(all) {
			t.Errorf("%d writes in all", n)
		}
	})
}

// TestNoIdentity: a replica that can't be elected says so at once.
func TestNoIdentity(t *testing.T) {
	t.Parallel()
	w := ingressstatus.New(fake.NewClientset(), ingressstatus.Options{Namespace: "dispatcher", Addresses: []string{address}}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.Run(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("it runs: %v", err)
	}
}
