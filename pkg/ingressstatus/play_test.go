package ingressstatus_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/ingressstatus"
)

const (
	manager = "github.com/30x/dispatcher/public" // of Options in play
	address = "192.0.2.10"
)

// ingress makes an Ingress of a class, "" for none, that says it is reached at some
// addresses.
func ingress(name, class string, at ...string) *networkingv1.Ingress {
	o := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-of-" + name)}}
	if class != "" {
		o.Spec.IngressClassName = &class
	}
	for _, ip := range at {
		o.Status.LoadBalancer.Ingress = append(o.Status.LoadBalancer.Ingress, networkingv1.IngressLoadBalancerIngress{IP: ip})
	}
	return o
}

// by says who has written the addresses of an Ingress.
func by(o *networkingv1.Ingress, managers ...string) *networkingv1.Ingress {
	o.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "kubectl", APIVersion: "networking.k8s.io/v1", Operation: metav1.ManagedFieldsOperationUpdate, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:ingressClassName":{}}}`)},
	}
	for _, m := range managers {
		o.ManagedFields = append(o.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: m, APIVersion: "networking.k8s.io/v1", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status", FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:loadBalancer":{"f:ingress":{}}}}`),
		})
	}
	return o
}

// report is one in which Ingresses are ours.
func report(ours ...*networkingv1.Ingress) controller.Report {
	var r controller.Report
	for _, o := range ours {
		i := &cluster.Ingress{Ref: cluster.Ref{Kind: "Ingress", Namespace: o.Namespace, Name: o.Name}, UID: string(o.UID)}
		if o.Spec.IngressClassName != nil {
			i.Class, i.HasClass = *o.Spec.IngressClassName, true
		}
		r.Ingresses = append(r.Ingresses, i)
	}
	return r
}

// player is a cluster and the Dispatchers that write to it, in fake time.
type player struct {
	*testing.T
	client *fake.Clientset
	log    strings.Builder
	mu     sync.Mutex // of log
}

// Write appends to the log of all Writers.
func (p *player) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

func play(t *testing.T, client *fake.Clientset, scenario func(*player)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { scenario(&player{T: t, client: client}) })
}

// writer starts one replica, which ends with the test, or when it is told to.
func (p *player) writer(change ...func(*ingressstatus.Options)) (w *ingressstatus.Writer, end func()) {
	options := ingressstatus.Options{
		Namespace: "dispatcher", Identity: fmt.Sprintf("pod-%p", &w), Addresses: []string{address},
		Class: "public", Controller: "github.com/30x/dispatcher",
	}
	for _, c := range change {
		c(&options)
	}
	w = ingressstatus.New(p.client, options, slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, cancel := context.WithCancel(p.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			p.Error(err)
		}
	})
	p.Cleanup(end)
	return w, end
}

// rarely makes a replica renew its Lease rarely: the fake cluster is slow.
func rarely(o *ingressstatus.Options) { o.Lease = time.Hour }

// pass lets fake time pass.
func (p *player) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// says checks where an Ingress says that it is reached.
func (p *player) says(name string, want ...string) {
	p.Helper()
	o, err := p.client.NetworkingV1().Ingresses("shop").Get(p.Context(), name, metav1.GetOptions{})
	if err != nil {
		p.Fatal(err)
	}
	var got []string
	for _, at := range o.Status.LoadBalancer.Ingress {
		got = append(got, at.IP+at.Hostname)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		p.Errorf("%s is reached at %q, want %q\n%s", name, got, want, p.told())
	}
}

func (p *player) told() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// asked counts the requests of a verb for a resource, "ingresses/status" or "leases".
func (p *player) asked(verb, resource string) (n int) {
	for _, a := range p.client.Actions() {
		if r := strings.TrimSuffix(a.GetResource().Resource+"/"+a.GetSubresource(), "/"); a.GetVerb() == verb && r == resource {
			n++
		}
	}
	return n
}
