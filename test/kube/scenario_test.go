package kube

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// The seed's default names.
const (
	routable = "github.com/30x.dispatcher.routable"
	hostsKey = "github.com/30x.dispatcher.hosts"
	pathsKey = "github.com/30x.dispatcher.paths"
)

// scenario is a test and the cluster that it runs in.
type scenario struct {
	*cluster
	t   testing.TB
	ctx context.Context // done when the test ends, before its clean-up
	own string          // value of the label, if Dispatcher shall not see what other tests make
}

// mark is the value of the label that makes things routable.
func (s *scenario) mark() string {
	if s.own != "" {
		return s.own
	}
	return "true"
}

func begin(t testing.TB) *scenario {
	t.Helper()
	s := &scenario{cluster: needCluster(t), t: t, ctx: t.Context()}
	s.need(t, "kubectl")
	s.must(s.base())
	return s
}

// must ends the test if something has failed that the test is not about.
func (s *scenario) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// kubectl runs kubectl as an administrator and returns what it prints.
func (s *scenario) kubectl(args ...string) string {
	s.t.Helper()
	out, err := s.cluster.kubectl("", args...)
	s.must(err)
	return out
}

// controllers makes sure that kube-controller-manager runs.
func (s *scenario) controllers() {
	s.t.Helper()
	s.need(s.t, "kube-controller-manager")
	s.must(s.cluster.controllers())
}

// dispatcher starts a Dispatcher that has the rights of deploy/base and no more,
// and waits until it is ready.
func (s *scenario) dispatcher(flags ...string) *dispatcher.Dispatcher {
	s.t.Helper()
	return s.dispatcherBy(func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo) {}, flags...)
}

// dispatcherBy is dispatcher with a kubeconfig that is changed first.
func (s *scenario) dispatcherBy(change func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo), flags ...string) *dispatcher.Dispatcher {
	s.t.Helper()
	programs, err := findPrograms()
	d := dispatcher.New(s.t, dispatcher.Need(s.t, programs, err), flags...)
	s.must(s.tokenKubeconfig(s.ctx, filepath.Join(d.Folder, "kubeconfig"), "dispatcher", "dispatcher", change))
	d.Run(s.flags(d)...)
	return d
}

// flags are those that a Dispatcher of this scenario is run with.
func (s *scenario) flags(d *dispatcher.Dispatcher) []string {
	return []string{"--kubeconfig=" + filepath.Join(d.Folder, "kubeconfig"), "--routable-label-selector=" + routable + "=" + s.mark()}
}

// namespace is a Namespace of a test's own.
type namespace struct {
	*scenario
	name string
	host string // that it serves
}

// namespace makes a routable Namespace with one host. Both names begin with the
// given one, and nobody else has them. It serves nothing once the test has ended.
func (s *scenario) namespace(name string) *namespace {
	s.t.Helper()
	name += "-" + rand.String(6)
	n := &namespace{scenario: s, name: name, host: name + ".example.com"}
	_, err := s.client.CoreV1().Namespaces().Create(s.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:        name,
		Labels:      map[string]string{routable: s.mark()},
		Annotations: map[string]string{hostsKey: toJSON(map[string]any{n.host: map[string]any{}})},
	}}, metav1.CreateOptions{})
	s.must(err)
	s.t.Cleanup(func() { s.deleteNamespace(name) })
	return n
}

// deleteNamespace takes a Namespace out of service and deletes it, if it is there.
// Without controllers it would stay, Terminating and served, so its label goes first.
func (s *scenario) deleteNamespace(name string) {
	ctx := context.Background() // the test has ended
	_, err := s.client.CoreV1().Namespaces().Patch(ctx, name, types.MergePatchType, metadata("labels", routable, nil), metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return
	}
	now := int64(0)
	if err == nil {
		err = s.client.CoreV1().Pods(name).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{})
	}
	if err == nil {
		err = s.client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})
	}
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		s.t.Error(err)
	}
}

// annotate sets an annotation of the Namespace; nil removes it.
func (n *namespace) annotate(key string, value any) { n.patch("annotations", key, value) }

// label sets a label of the Namespace; nil removes it.
func (n *namespace) label(key string, value any) { n.patch("labels", key, value) }

func (n *namespace) patch(kind, key string, value any) {
	n.t.Helper()
	_, err := n.client.CoreV1().Namespaces().Patch(n.ctx, n.name, types.MergePatchType, metadata(kind, key, value), metav1.PatchOptions{})
	n.must(err)
}

// secret makes a Secret, or makes it anew, with fields and their values.
func (n *namespace) secret(name string, fields ...string) {
	n.t.Helper()
	data := map[string][]byte{}
	for i := 0; i < len(fields); i += 2 {
		data[fields[i]] = []byte(fields[i+1])
	}
	_, err := n.client.CoreV1().Secrets(n.name).Apply(n.ctx, corev1apply.Secret(name, n.name).WithData(data), metav1.ApplyOptions{FieldManager: "test", Force: true})
	n.must(err)
}

// metadata is a merge patch of one label or annotation.
func metadata(kind, key string, value any) []byte {
	return []byte(toJSON(map[string]any{"metadata": map[string]any{kind: map[string]any{key: value}}}))
}

func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return string(text)
}

// eventually waits until a condition holds.
func (s *scenario) eventually(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
