package kube

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	objects "github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/ingressstatus"
)

// shortLease is how long a replica that writes may be silent in these tests.
const shortLease = 2 * time.Second

// replica is one that may write the status of Ingresses, under an account of its own.
type replica struct {
	*ingressstatus.Writer
	name         string
	dead, frozen atomic.Bool // its requests fail, have no answer
	end          func()

	mu  sync.Mutex
	log bytes.Buffer
}

func (r *replica) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *replica) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// replica starts one for the Ingresses whose class is the Namespace's name. Its Lease
// is in the Namespace, and its account is there.
func (n *namespace) replica(name string) *replica {
	n.t.Helper()
	_, err := n.client.CoreV1().ServiceAccounts(n.name).Create(n.ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "dispatcher"}}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		n.must(err)
	}
	r := &replica{name: name}
	config := rest.CopyConfig(n.config)
	config.Impersonate.UserName = "system:serviceaccount:" + n.name + ":dispatcher"
	config.QPS, config.Burst = 20, 40 // as Dispatcher's
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper {
		return transport(func(request *http.Request) (*http.Response, error) {
			if r.dead.Load() {
				return nil, errors.New("no route to host")
			}
			if r.frozen.Load() {
				<-request.Context().Done()
				return nil, request.Context().Err()
			}
			return inner.RoundTrip(request)
		})
	})
	client, err := kubernetes.NewForConfig(config)
	n.must(err)
	r.Writer = ingressstatus.New(client, ingressstatus.Options{
		Namespace: n.name, Identity: name, Class: n.name, Controller: "github.com/30x/dispatcher",
		Addresses: []string{"192.0.2.10", "lb.example.com"}, Lease: shortLease,
	}, slog.New(slog.NewTextHandler(r, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			n.t.Error(err)
		}
	})
	n.t.Cleanup(r.end)
	return r
}

// rights are those that the status of Ingresses takes, and no more.
func (n *namespace) rights() {
	n.t.Helper()
	meta, rbac := metav1.ObjectMeta{Name: n.name}, n.client.RbacV1()
	_, err := rbac.ClusterRoles().Create(n.ctx, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses/status"}, Verbs: []string{"update"}},
	}}, metav1.CreateOptions{})
	n.must(err)
	_, err = rbac.ClusterRoleBindings().Create(n.ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: n.name}, Subjects: accountOf(n.name),
	}, metav1.CreateOptions{})
	n.must(err)
	n.leaseFor(n.name)
}

// accountOf is the account "dispatcher" of a Namespace.
func accountOf(namespace string) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "dispatcher"}}
}

// leaseFor lets the account of a Namespace use the Lease of this one.
func (n *namespace) leaseFor(account string) {
	n.t.Helper()
	meta, rbac := metav1.ObjectMeta{Name: n.name}, n.client.RbacV1()
	_, err := rbac.Roles(n.name).Create(n.ctx, &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create"}},
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, ResourceNames: []string{ingressstatus.LeaseName(n.name)}, Verbs: []string{"get", "update"}},
	}}, metav1.CreateOptions{})
	n.must(err)
	_, err = rbac.RoleBindings(n.name).Create(n.ctx, &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: n.name}, Subjects: accountOf(account),
	}, metav1.CreateOptions{})
	n.must(err)
}

// ingress makes an Ingress of a class, and has somebody else write where it is reached.
func (n *namespace) ingress(name, class string, at ...networkingv1.IngressLoadBalancerIngress) *networkingv1.Ingress {
	n.t.Helper()
	ingresses := n.client.NetworkingV1().Ingresses(n.name)
	o, err := ingresses.Create(n.ctx, &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: networkingv1.IngressSpec{
			IngressClassName: &class,
			DefaultBackend:   &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}},
		},
	}, metav1.CreateOptions{})
	n.must(err)
	if len(at) > 0 {
		o.Status.LoadBalancer.Ingress = at
		o, err = ingresses.UpdateStatus(n.ctx, o, metav1.UpdateOptions{FieldManager: "another-controller"})
		n.must(err)
	}
	return o
}

// at gives what an Ingress says of where it is reached.
func (n *namespace) at(name string) string {
	n.t.Helper()
	o, err := n.client.NetworkingV1().Ingresses(n.name).Get(n.ctx, name, metav1.GetOptions{})
	n.must(err)
	var out []string
	for _, at := range o.Status.LoadBalancer.Ingress {
		out = append(out, at.IP+at.Hostname)
	}
	return strings.Join(out, " ")
}

// leader is who holds the Lease, "" if nobody does.
func (n *namespace) leader() string {
	n.t.Helper()
	lease, err := n.client.CoordinationV1().Leases(n.name).Get(n.ctx, ingressstatus.LeaseName(n.name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && lease.Spec.HolderIdentity == nil {
		return ""
	}
	n.must(err)
	return *lease.Spec.HolderIdentity
}

// ours is a Report of Ingresses that are of our class.
func ours(ingresses ...*networkingv1.Ingress) controller.Report {
	var r controller.Report
	for _, o := range ingresses {
		r.Ingresses = append(r.Ingresses, &objects.Ingress{
			Ref: objects.Ref{Kind: "Ingress", Namespace: o.Namespace, Name: o.Name}, UID: string(o.UID), Class: *o.Spec.IngressClassName, HasClass: true,
		})
	}
	return r
}

// TestIngressStatus: EF6. Of two replicas one tells where Ingresses are reached, with
// the rights that are documented; the other goes on when it dies, and takes back what
// it wrote; nothing of another class is touched; what is written outlasts both.
func TestIngressStatus(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n := s.namespace("status")
	n.rights()
	const reached = "192.0.2.10 lb.example.com"
	foreign := networkingv1.IngressLoadBalancerIngress{IP: "198.51.100.1"}
	web, moves := n.ingress("web", n.name, foreign), n.ingress("moves", n.name)
	n.ingress("empty", "nginx")
	n.ingress("other", "nginx", foreign)
	// Somebody else has written just what we would.
	n.ingress("alike", "nginx", networkingv1.IngressLoadBalancerIngress{IP: "192.0.2.10"}, networkingv1.IngressLoadBalancerIngress{Hostname: "lb.example.com"})
	untouched := map[string]string{}
	version := func(name string) string {
		o, err := s.client.NetworkingV1().Ingresses(n.name).Get(s.ctx, name, metav1.GetOptions{})
		s.must(err)
		return o.ResourceVersion
	}
	for _, name := range []string{"empty", "other", "alike"} {
		untouched[name] = version(name)
	}

	replicas := map[string]*replica{"first": n.replica("first"), "second": n.replica("second")}
	for _, r := range replicas {
		r.Set(ours(web, moves))
	}
	s.eventually("both say where they are reached", func() bool { return n.at("web") == reached && n.at("moves") == reached })
	untouched["web"] = version("web") // nobody writes it again

	leader := replicas[n.leader()]
	leader.dead.Store(true)
	died := time.Now()
	other := replicas["first"]
	if leader == other {
		other = replicas["second"]
	}
	more := n.ingress("more", n.name)
	_, err := s.client.NetworkingV1().Ingresses(n.name).Patch(s.ctx, "moves", types.MergePatchType, []byte(`{"spec":{"ingressClassName":"nginx"}}`), metav1.PatchOptions{FieldManager: "kubectl"})
	s.must(err)
	for _, r := range replicas {
		r.Set(ours(web, more))
	}
	s.eventually("the other one writes", func() bool { return n.at("more") == reached && n.at("moves") == "" })
	t.Logf("%v after the leader has died, its Lease is of %v", time.Since(died).Round(10*time.Millisecond), shortLease)
	if got := n.leader(); got != other.name || !strings.Contains(other.told(), "this replica writes") {
		t.Errorf("%q leads\n%s", got, other.told())
	}

	leader.dead.Store(false) // it comes back, and finds another one
	s.eventually("it sees the other one", func() bool { return strings.Contains(leader.told(), "status of Ingresses can't be used") })
	other.end()
	ended := time.Now()
	s.eventually("it takes over", func() bool { return n.leader() == leader.name })
	t.Logf("%v after a leader has ended", time.Since(ended).Round(10*time.Millisecond))
	leader.end()
	if got := n.leader(); got != "" {
		t.Errorf("%q leads after its end", got)
	}
	for name, want := range map[string]string{"web": reached, "more": reached, "empty": "", "other": "198.51.100.1", "alike": reached} {
		if got := n.at(name); got != want {
			t.Errorf("%s is reached at %q, want %q", name, got, want)
		}
	}
	for name, before := range untouched {
		if version(name) != before {
			t.Errorf("%s was written", name)
		}
	}
	for name, r := range replicas {
		if log := r.told(); strings.Contains(log, "forbidden") || strings.Contains(log, "can't be written") {
			t.Errorf("%s lacks something:\n%s", name, log)
		}
	}
}
