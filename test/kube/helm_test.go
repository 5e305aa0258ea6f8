package kube

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/30x/dispatcher/deploy/helm"
	"github.com/30x/dispatcher/test/internal/dispatcher"
)

var charts = filepath.Join("..", "..", "deploy", "helm")

var findChart = sync.OnceValues(func() (helm.Program, error) {
	return helm.Build(context.Background(), charts, folder)
})

// release is what the chart has made in a Namespace of its own.
type release struct {
	*scenario
	name      string // of everything
	namespace string
}

// install applies the chart, as kubectl does, in a new Namespace that admits Pods
// of a level of Pod Security; the API server knows every field.
func (s *scenario) install(level, values string) *release {
	s.t.Helper()
	r := &release{s, "dispatcher-" + rand.String(6), "helm-" + rand.String(6)}
	s.kubectl("create", "namespace", r.namespace)
	s.t.Cleanup(func() { s.deleteNamespace(r.namespace) })
	s.kubectl("label", "namespace", r.namespace, "pod-security.kubernetes.io/enforce="+level)
	program, err := findChart()
	s.must(err)
	values += "\ningressClass: {create: false}\n" // the cluster has one, of deploy/base
	text, err := program.Run(s.ctx, values, "-release="+r.name, "-namespace="+r.namespace)
	s.must(err)
	s.t.Cleanup(func() {
		if _, err := s.cluster.kubectl(text, "delete", "-f", "-"); err != nil {
			s.t.Error(err)
		}
	})
	if _, err := s.cluster.kubectl(text, "apply", "--server-side", "--validate=strict", "-f", "-"); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// daemonSet is the release's.
func (r *release) daemonSet() *appsv1.DaemonSet {
	r.t.Helper()
	set, err := r.client.AppsV1().DaemonSets(r.namespace).Get(r.ctx, r.name, metav1.GetOptions{})
	r.must(err)
	return set
}

// dispatcher starts a Dispatcher with the rights and with the settings that a
// container of the release has, and waits until it is ready.
func (r *release) dispatcher(container string) *dispatcher.Dispatcher {
	r.t.Helper()
	programs, err := findPrograms()
	d := dispatcher.New(r.t, dispatcher.Need(r.t, programs, err))
	for _, c := range r.daemonSet().Spec.Template.Spec.Containers {
		if c.Name != container {
			continue
		}
		for _, e := range c.Env {
			d.Env = append(d.Env, e.Name+"="+e.Value)
		}
	}
	if len(d.Env) == 0 {
		r.t.Fatalf("there is no container %s", container)
	}
	kubeconfig := filepath.Join(d.Folder, "kubeconfig")
	r.must(r.tokenKubeconfig(r.ctx, kubeconfig, r.namespace, r.name))
	d.Run("--kubeconfig=" + kubeconfig)
	return d
}

// TestHelm: DX17. What the chart makes with its default values works, has the
// rights of deploy/base, and its Pod is admitted, host ports and all.
func TestHelm(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop := s.namespace("shop")
	shop.secret("routing", "api-key", "supersecret")
	shop.pod("web", "/app").run()
	r := s.install("privileged", "")
	d := r.dispatcher("dispatcher")
	d.Serves(shop.host, "/app", "web", key("supersecret"))
	d.Answers(shop.host, "/app", http.StatusForbidden)
	r.rights(everywhere("routing", true), "ingress-status-dispatcher")
	r.runs()
}

// TestHelmPublicPrivate: DF25, DX17. The same for two routers, each of which knows
// its own annotations only; a setting decides what may be read.
func TestHelmPublicPrivate(t *testing.T) {
	t.Parallel()
	s := begin(t)
	values, err := os.ReadFile(filepath.Join(charts, "examples", "public-private.yaml"))
	s.must(err)
	shop := s.namespace("shop")
	shop.annotate(hostsKey, nil)
	web := shop.pod("web").run()
	for _, kind := range []string{"public", "private"} {
		shop.annotate(hostsKey+"."+kind, toJSON(map[string]any{kind + "." + shop.host: map[string]any{}}))
		web.annotate(pathsKey+"."+kind, web.paths("/"+kind))
	}
	shop.secret("keys", "private-api-key", "supersecret")
	r := s.install("privileged", string(values)+"\nsettings: {API_KEY_SECRET_NAME: keys, EVENTS: false}\n")
	public, private := r.dispatcher("dispatcher-public"), r.dispatcher("dispatcher-private")
	public.Serves("public."+shop.host, "/public", "web")
	public.Answers("private."+shop.host, "/private", 0)
	private.Serves("private."+shop.host, "/private", "web", key("supersecret"))
	private.Answers("private."+shop.host, "/private", http.StatusForbidden)
	private.Answers("public."+shop.host, "/public", 0)
	r.rights(everywhere("keys", false), "ingress-status-dispatcher ingress-status-dispatcher-private")
	r.runs()
}

// TestHelmRestricted: without host ports Pods keep to the strictest level of Pod
// Security, with nginx in a container of its own and with TLS, too.
func TestHelmRestricted(t *testing.T) {
	t.Parallel()
	s := begin(t)
	const port = "instances: [{name: dispatcher, hostPorts: false}]\n"
	for _, values := range []string{port, port + "sidecar: true\ntls: {secretName: cert}\nscrapeAnnotations: true\n"} {
		s.install("restricted", values).runs()
	}
	s.must(s.deploy("overlays/sidecar", "--dry-run=server", "--force-conflicts"))
}

// rights checks what the release's account may do beyond what every account may,
// everywhere and with Leases in its own Namespace.
func (r *release) rights(everywhere []string, leases string) {
	r.t.Helper()
	r.kubectl("create", "serviceaccount", "plain", "--namespace="+r.namespace)
	for _, in := range []string{"default", "kube-system", r.namespace} {
		want := everywhere
		if in == r.namespace {
			want = atHome(want, leases)
		}
		everyone := r.rules(r.as(r.namespace, "plain"), in)
		got := slices.DeleteFunc(r.rules(r.as(r.namespace, r.name), in), func(rule string) bool { return slices.Contains(everyone, rule) })
		if !slices.Equal(got, want) {
			r.t.Errorf("rules in Namespace %s:\n %s\nwant:\n %s", in, strings.Join(got, "\n "), strings.Join(want, "\n "))
		}
	}
}

// runs waits until the DaemonSet has a Pod on the Node: it has been admitted.
func (r *release) runs() {
	r.t.Helper()
	r.controllers()
	r.eventually("the DaemonSet has a Pod on the Node", func() bool {
		status := r.daemonSet().Status
		return status.DesiredNumberScheduled == 1 && status.CurrentNumberScheduled == 1
	})
}
