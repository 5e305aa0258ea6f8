package fuzz

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/diff"
	"github.com/30x/dispatcher/test/internal/corridor"
)

// TestDiff: if and only if the text for nginx is another one, there is a Change that
// says so; where nginx is told the endpoints, a structural one.
func TestDiff(t *testing.T) {
	folder := t.TempDir()
	ca := pki.NewAuthority(t, "diff")
	chain, key := ca.Server(t, []string{"default.example"})
	for name, text := range map[string]string{"crt": chain, "key": key} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	served, servedKey := ca.Server(t, []string{"a.example", "b.example", "*.b.example"})
	tls := []string{"--ssl-cert=" + filepath.Join(folder, "crt"), "--ssl-key=" + filepath.Join(folder, "key"), "--default-namespace=tenant-0"}
	for name, flags := range map[string][]string{
		"endpoints in the text": {"--nginx-enable-health-checks"},
		"endpoints told":        {"--endpoints=dynamic"},
		"TLS":                   tls,
		"TLS, endpoints told":   append(slices.Clone(tls), "--endpoints=dynamic", "--pod-hosts=open"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := corridor.New(nil, flags...)
			if err != nil {
				t.Fatal(err)
			}
			least := diff.Endpoints
			if c.Params.Dynamic != nil {
				least = diff.Structural
				c.Params.Dynamic.Room = 1 << 20 // it grows for nobody
			}
			same, others, quiet := 0, 0, 0
			for seed := range uint64(150) {
				g := generator{rand.New(rand.NewPCG(seed, 8))}
				before := g.explained(served, servedKey)
				after := g.edited(before, served, servedKey)
				was, _, old := walk(t, c, before)
				is, _, fresh := walk(t, c, after)
				changes := diff.Of(was, is, diff.Options{})
				told := slices.ContainsFunc(changes, func(c diff.Change) bool { return c.Effect >= least })
				differs := !bytes.Equal(old.Conf, fresh.Conf) || len(old.Certificates) != len(fresh.Certificates)
				switch {
				case differs && !told:
					t.Fatalf("world %d: the text differs, and no change says why: %v\n%s\n%s", seed, changes, old.Masked, fresh.Masked)
				case differs:
					others++
				case told:
					quiet++ // of what nobody sees, behind a location that is closed for example
				default:
					same++
				}
				for _, c := range changes {
					if len(c.Namespaces) == 0 || c.What == "" || bytes.Contains([]byte(c.String()), []byte("secret")) {
						t.Errorf("world %d: %+v", seed, c)
					}
				}
				if again := diff.Of(was, was, diff.Options{}); len(again) > 0 {
					t.Errorf("world %d: a table differs from itself: %v", seed, again)
				}
				if again := diff.Of(rebuilt(t, c, before), was, diff.Options{}); len(again) > 0 {
					t.Errorf("world %d: a table differs from one of the same objects: %v", seed, again)
				}
			}
			t.Log(others, "differ,", same, "do not,", quiet, "only where nobody sees it")
			if others < 50 || same < 15 || quiet > 8 {
				t.Errorf("%d differ, %d do not, %d only where nobody sees it", others, same, quiet)
			}
		})
	}
}

func rebuilt(t *testing.T, c *corridor.Corridor, objects []metav1.Object) *route.Table {
	t.Helper()
	slices.Reverse(objects)
	table, _, err := c.Build(objects...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// edited gives the objects of a world of which a few are gone, and a few are as in
// another world.
func (g generator) edited(objects []metav1.Object, chain, key string) []metav1.Object {
	out := slices.Clone(objects)
	other := g.explained(chain, key)
	for range g.IntN(4) {
		i := g.IntN(len(out))
		if g.percent(50) {
			out = slices.Delete(out, i, i+1)
			continue
		}
		o := other[g.IntN(len(other))]
		if at := slices.IndexFunc(out, func(p metav1.Object) bool { return samePlace(o, p) }); at >= 0 {
			out[at] = o
		} else {
			out = append(out, o)
		}
	}
	return out
}

func samePlace(a, b metav1.Object) bool {
	return cluster.Kind(a) == cluster.Kind(b) && a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}
