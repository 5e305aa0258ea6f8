package cluster

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func secret(namespace, name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}
}

// DX10: what becomes of any other Secret of the Namespace changes nothing.
// DX15: each change of the Secret is noticed, also a field's new name, and
// nothing else is one. DF27, DF28.
func TestSecrets(t *testing.T) {
	c := NewCache(labels.Everything(), Interest{SecretName: "routing"})
	key := map[string][]byte{"api-key": []byte("a"), "other": []byte("b")}
	for i, step := range []struct {
		o       *corev1.Secret
		deleted bool
		want    Change
	}{
		{secret("a", "routing", key), false, Added},
		{secret("a", "routing", key), false, Unchanged},
		{secret("a", "default-token", map[string][]byte{}), false, Unchanged},
		{secret("a", "default-token", nil), true, Unchanged},
		{secret("b", "routing", key), false, Added},
		{secret("b", "routing", nil), true, Deleted},
		{secret("a", "routing", map[string][]byte{"api_key": []byte("a"), "other": []byte("b")}), false, Changed},
		{secret("a", "routing", map[string][]byte{"api_key": []byte("ab"), "other": nil}), false, Changed},
	} {
		var got Change
		var err error
		if step.deleted {
			got = c.Delete(step.o)
		} else {
			got, err = c.Set(step.o)
		}
		if got != step.want || err != nil {
			t.Errorf("step %d: %q, %v; want %q", i, got, err, step.want)
		}
	}
	s := c.Snapshot().Secrets
	if len(s) != 1 || s[0].String() != "Secret/a/routing" || string(s[0].Data["api_key"]) != "ab" {
		t.Errorf("left: %v", s)
	}
	if got := c.Delete(secret("a", "routing", nil)); got != Deleted || len(c.Snapshot().Secrets) != 0 {
		t.Errorf("Delete = %q, left %v", got, c.Snapshot().Secrets)
	}
}

// A Secret's values are not seen, however it is shown.
func TestSensitive(t *testing.T) {
	s, err := NewSecret(secret("a", "routing", map[string][]byte{"api-key": []byte("supersecret")}))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "data", s.Data, "key", s.Data["api-key"])
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "data", s.Data, "key", s.Data["api-key"])
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(text) + fmt.Sprintf("%v %+v %#v %s %x %q %d", s, s, s, s.Data, s.Data["api-key"], s.Data, s.Data["api-key"])
	for _, bad := range []string{"supersecret", "c3VwZXJzZWNyZXQ", "7375706572", "115 117 112"} {
		if strings.Contains(shown, bad) {
			t.Errorf("%q is in %s", bad, shown)
		}
	}
	if !strings.Contains(shown, "***") {
		t.Errorf("nothing is shown at all: %s", shown)
	}
}
