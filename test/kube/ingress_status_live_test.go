package kube

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// writers starts two Dispatchers for the Ingresses whose class is the Namespace's name,
// with the rights of deploy/base but for the Lease, which is in this Namespace.
func (n *namespace) writers(flags ...string) map[string]*dispatcher.Dispatcher {
	n.t.Helper()
	n.leaseFor("dispatcher")
	programs, err := findPrograms()
	out := map[string]*dispatcher.Dispatcher{}
	for _, name := range []string{"first", "second"} {
		d := dispatcher.New(n.t, dispatcher.Need(n.t, programs, err), append(flags, "--ingress-class="+n.name)...)
		d.Env = []string{"POD_NAMESPACE=" + n.name, "POD_NAME=" + name}
		n.must(n.tokenKubeconfig(n.ctx, filepath.Join(d.Folder, "kubeconfig"), "dispatcher", "dispatcher"))
		d.Run(n.flags(d)...)
		out[name] = d
	}
	return out
}

// published sets the address of the Namespace's Service "entry".
func (n *namespace) published(ip string) {
	n.t.Helper()
	_, err := n.client.CoreV1().Services(n.name).Patch(n.ctx, "entry", types.MergePatchType,
		[]byte(`{"status":{"loadBalancer":{"ingress":[{"ip":"`+ip+`"}]}}}`), metav1.PatchOptions{}, "status")
	n.must(err)
}

// TestIngressStatusLive: EF5, EF6. Dispatchers tell the address of the Service before
// them, also when it changes; one that ends hands over to another, which takes back
// what is of another class now.
func TestIngressStatusLive(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n := s.namespace("status")
	_, err := s.client.CoreV1().Services(n.name).Create(s.ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "entry"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	s.must(err)
	n.published("192.0.2.1")
	n.ingress("web", n.name)
	n.ingress("leaves", n.name)
	n.ingress("other", "nginx")
	writers := n.writers("--publish-service=" + n.name + "/entry")
	s.eventually("its address is told", func() bool { return n.at("web") == "192.0.2.1" })
	n.published("192.0.2.2")
	began := time.Now()
	s.eventually("its new address is told", func() bool { return n.at("web") == "192.0.2.2" && n.at("leaves") == "192.0.2.2" })
	t.Logf("a new address is told after %v", time.Since(began).Round(10*time.Millisecond))

	name, _, _ := strings.Cut(n.leader(), "_")
	leader := writers[name]
	leader.Signal(syscall.SIGTERM)
	if code := leader.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := n.leader(); strings.HasPrefix(got, name+"_") {
		t.Errorf("%q still leads", got)
	}
	n.ingress("more", n.name)
	began = time.Now()
	for n.at("more") == "" && time.Since(began) < 40*time.Second {
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("another one leads after %v", time.Since(began).Round(100*time.Millisecond))
	_, err = s.client.NetworkingV1().Ingresses(n.name).Patch(s.ctx, "leaves", types.MergePatchType, []byte(`{"spec":{"ingressClassName":"nginx"}}`), metav1.PatchOptions{FieldManager: "kubectl"})
	s.must(err)
	s.eventually("what the first leader wrote is taken back", func() bool { return n.at("leaves") == "" })
	for ingress, want := range map[string]string{"web": "192.0.2.2", "more": "192.0.2.2", "other": ""} {
		if got := n.at(ingress); got != want {
			t.Errorf("%s is reached at %q, want %q", ingress, got, want)
		}
	}
	for _, d := range writers {
		if log := d.Log(); strings.Contains(log, "forbidden") || strings.Contains(log, "leaderelection") {
			t.Errorf("it lacks something, or client-go has the word:\n%s", log)
		}
	}
}

// TestIngressStatusWithoutRights: DX17. Without rights it says once which rule is
// missing, and does nothing. It ends even while the API server does not answer.
func TestIngressStatusWithoutRights(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n := s.namespace("status")
	web := n.ingress("web", n.name)
	r := n.replica("only")
	r.Set(ours(web))
	said := func(words string) func() bool {
		return func() bool { return strings.Contains(r.told(), words) }
	}
	s.eventually("it says what it may not", said("get, create and update leases"))
	n.rights()
	rbac := s.client.RbacV1().ClusterRoleBindings()
	s.must(rbac.Delete(s.ctx, n.name, metav1.DeleteOptions{}))
	s.eventually("it says what it may not either", said("get and list ingresses"))
	if lines := strings.Count(r.told(), "level=WARN"); lines != 2 || n.at("web") != "" {
		t.Errorf("it says, and has written %q:\n%s", n.at("web"), r.told())
	}
	r.frozen.Store(true)
	began := time.Now()
	r.end()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it ends after %v", took)
	}
}
