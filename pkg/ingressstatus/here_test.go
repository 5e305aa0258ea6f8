package ingressstatus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/ingressstatus"
)

// TestHere: the Namespace is the Pod's, and no two processes have the same name.
func TestHere(t *testing.T) {
	t.Parallel()
	env := map[string]string{"POD_NAMESPACE": "routers", "POD_NAME": "dispatcher-x7"}
	getenv := func(name string) string { return env[name] }
	namespace, first, err := ingressstatus.Here(getenv)
	if err != nil || namespace != "routers" || !strings.HasPrefix(first, "dispatcher-x7_") {
		t.Errorf("%q, %q, %v", namespace, first, err)
	}
	if _, second, _ := ingressstatus.Here(getenv); second == first {
		t.Errorf("two processes are %q", first)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	delete(env, "POD_NAME")
	if _, name, err := ingressstatus.Here(getenv); err != nil || !strings.HasPrefix(name, host+"_") {
		t.Errorf("%q, %v", name, err)
	}
	delete(env, "POD_NAMESPACE")
	if _, err := os.Stat(ingressstatus.OwnNamespace); err == nil {
		t.Skip("this test runs in a Pod")
	}
	if _, _, err := ingressstatus.Here(getenv); err == nil || !strings.Contains(err.Error(), "set POD_NAMESPACE") {
		t.Errorf("without a Namespace: %v", err)
	}
	file := filepath.Join(t.TempDir(), "namespace")
	for text, want := range map[string]string{"kube-system\n": "kube-system", "": ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _, err := ingressstatus.HereFrom(getenv, file); got != want || (err == nil) != (want != "") {
			t.Errorf("the file has %q: %q, %v", text, got, err)
		}
	}
}
