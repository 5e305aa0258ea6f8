package backend

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/source/manifest"
)

const prefix = "example.com/"

// world is what is known of a cluster with these objects.
func world(t testing.TB, yaml string) *cluster.Snapshot {
	t.Helper()
	file, err := manifest.Parse("test", []byte(yaml))
	if err != nil || len(file.Mistakes)+len(file.Broken) > 0 {
		t.Fatal(err, file)
	}
	interest := cluster.Interest{Services: true, ServiceAnnotations: []string{prefix + "misspelt", prefix + "hosts", "other"}}
	for _, f := range option.Fields() {
		interest.ServiceAnnotations = append(interest.ServiceAnnotations, prefix+f.Name)
	}
	cache := cluster.NewCache(labels.Nothing(), interest)
	objects, problems := manifest.Objects([]*manifest.File{file})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			t.Fatal(err)
		}
	}
	return cache.Snapshot()
}

// service is a Service with the fields of its spec.
func service(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: %s}\nspec: {%s}\n", name, spec)
}

// slice is an EndpointSlice of a Service.
func slice(name, service, ports, endpoints string) string {
	return fmt.Sprintf("---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {namespace: shop, name: %s, labels: {kubernetes.io/service-name: %s}}\n"+
		"addressType: IPv4\nports: [%s]\nendpoints: [%s]\n", name, service, ports, endpoints)
}

// pod is a Pod that is ready.
func pod(namespace, name, ip string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: %s, name: %s}\n"+
		"status: {phase: Running, podIP: '%s', hostIP: 192.168.7.7, conditions: [{type: Ready, status: 'True', lastTransitionTime: '1970-01-01T00:01:40Z'}]}\n", namespace, name, ip)
}

// show is a Backend in one line, with what was told in the lines after it.
func show(b *Backend, notes []Note) string {
	var out []string
	for _, c := range b.Candidates {
		text := c.Identity
		if at := c.Endpoint.Addr.String(); at != text {
			text += " " + at
		}
		if !c.Serves {
			text += " down"
		}
		out = append(out, text)
	}
	text := strings.Join(out, ", ")
	for _, n := range notes {
		who := n.Ref.String()
		if n.Ref == (cluster.Ref{}) {
			who = "Reference"
		}
		text += fmt.Sprintf("\n%s %s: %s", who, n.Key, n.Reason)
	}
	return text
}

// matches reports whether the lines of got begin with those of want.
func matches(got, want string) bool {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(g) != len(w) || g[0] != w[0] {
		return false
	}
	for i := range w {
		if !strings.HasPrefix(g[i], w[i]) {
			return false
		}
	}
	return true
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}
