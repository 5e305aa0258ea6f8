package bench

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/test/internal/corridor"
)

// tlsSnapshot makes a cluster of so many hosts, each with a certificate of its own.
func tlsSnapshot(tb testing.TB, c *corridor.Corridor, hosts int) *cluster.Snapshot {
	tb.Helper()
	const ref = `{"valueFrom": {"secretKeyRef": {"key": "%s"}}}`
	ssl := fmt.Sprintf(`{"ssl": {"certificate": `+ref+`, "certificateKey": `+ref+`}}`, "crt", "key")
	authority := pki.NewAuthority(tb, "bench")
	cache := c.NewCache()
	for n := range hosts {
		name := fmt.Sprintf("team-%d", n)
		host := name + ".apps.example.com"
		chain, key := authority.Server(tb, []string{host})
		for _, o := range []metav1.Object{
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				Name: name, Labels: map[string]string{prefix + "routable": "true"}, Annotations: map[string]string{prefix + "hosts": fmt.Sprintf(`{"%s": %s}`, host, ssl)},
			}},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "routing"}, Data: map[string][]byte{"crt": []byte(chain), "key": []byte(key)}},
		} {
			if _, err := cache.Set(o); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return cache.Snapshot()
}

// BenchmarkTLS is a turn with 1,000 certificates: the first one, which reads
// them all, and those that follow.
func BenchmarkTLS(b *testing.B) {
	const hosts = 1_000
	c := newCorridor(b)
	chain, key := pki.SelfSigned(b, "default.example.com")
	pair, err := certificate.NewPair([]byte(chain), []byte(key))
	if err != nil {
		b.Fatal(err)
	}
	c.Options.TLS, c.Params.Default = true, pair
	snap := tlsSnapshot(b, c, hosts)
	turn := func(b *testing.B) {
		table, problems := route.Build(snap, c.Options)
		if len(problems) > 0 || len(table.Hosts) != hosts || table.Hosts[0].TLS == nil {
			b.Fatalf("%d hosts and %d problems", len(table.Hosts), len(problems))
		}
		if _, err := c.Render(table); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			c.Options.Memory = &certificate.Memory{}
			turn(b)
		}
	})
	b.Run("next", func(b *testing.B) {
		c.Options.Memory = &certificate.Memory{}
		turn(b)
		for b.Loop() {
			turn(b)
		}
	})
}
