package kube

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestDeploy: the API server takes deploy/base and the overlays as they are, with
// no field that it doesn't know; and it admits the Pod that the DaemonSet's
// controller makes, host ports and all, into the Namespace that they describe.
func TestDeploy(t *testing.T) {
	t.Parallel()
	s := begin(t) // applies deploy/base
	for _, overlay := range []string{"overlays/public-private", "overlays/tls", "overlays/ingress-tls"} {
		if err := s.deploy(overlay, "--dry-run=server", "--force-conflicts"); err != nil {
			t.Errorf("%s: %v", overlay, err)
		}
	}
	s.controllers()
	s.eventually("the DaemonSet has a Pod on the Node", func() bool {
		set, err := s.client.AppsV1().DaemonSets("dispatcher").Get(s.ctx, "dispatcher", metav1.GetOptions{})
		s.must(err)
		return set.Status.DesiredNumberScheduled == 1 && set.Status.CurrentNumberScheduled == 1
	})
}

// TestExamples: the API server takes every example as it is.
func TestExamples(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.controllers()
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "*", "manifest.yaml"))
	s.must(err)
	if len(files) < 5 {
		t.Fatalf("only %d examples found", len(files))
	}
	var namespaces []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		s.must(err)
		out, err := s.cluster.kubectl(string(text), "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-")
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for word := range strings.FieldsSeq(out) {
			if strings.HasPrefix(word, "namespace/") && !slices.Contains(namespaces, word) {
				namespaces = append(namespaces, word)
			}
		}
	}
	s.kubectl(append([]string{"delete"}, namespaces...)...) // waits: they may be made again
}
