package kinds

import (
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
)

func TestCount(t *testing.T) {
	t.Parallel()
	options := route.Options{
		HostsAnnotation: "example.com/hosts",
		PathsAnnotation: "example.com/hosts.paths", // begins like the one of hosts
		AuthAnnotation:  "auth",
		OrgLabel:        "org", EnvLabel: "env", AppNameLabel: "app", AppRevLabel: "app.rev",
	}
	for _, c := range []struct{ object, key, want string }{
		{"Namespace", "example.com/hosts", "hosts"},
		{"Namespace", `example.com/hosts["www.example.com"]`, "hosts"},
		{"Namespace", `example.com/hosts["www.example.com"].cors`, "hosts"},
		{"Namespace", `example.com/hosts["www.example.com"].ssl`, "tls"},
		{"Namespace", `example.com/hosts["www.example.com"].ssl.certificate.valueFrom`, "tls"},
		{"Namespace", `example.com/hosts["www.example.com"].sslx`, "hosts"},
		{"Namespace", `example.com/hosts["x\"].ssl"]`, "hosts"},
		{"Namespace", `example.com/hosts["x" (the first 1 of 90 bytes)].ssl.redirect`, "tls"},
		{"Namespace", `example.com/hosts["`, "hosts"},
		{"Namespace", "example.com/hosts-of-others", "object"},
		{"Pod", "example.com/hosts.paths", "paths"},
		{"Pod", "example.com/hosts.paths[1].weight", "paths"},
		{"Namespace", "auth", "auth"},
		{"Namespace", "org", "label"},
		{"Pod", "app.rev", "label"},
		{"Pod", "app.x", "object"},
		{"Secret", "data", "secret"},
		{"Secret", "data.api-key", "secret"},
		{"Pod", "status.podIP", "object"},
		{"Pod", "", "object"},
	} {
		p := route.Problem{Ref: cluster.Ref{Kind: c.object, Name: "x"}, Key: c.key}
		if got := of(p, options); got != c.want {
			t.Errorf("%s of a %s is of the kind %s, want %s", c.key, c.object, got, c.want)
		}
		count := Count([]route.Problem{p, p}, options)
		if len(count) != 7 || count[c.want] != 2 {
			t.Errorf("%s: %v", c.key, count)
		}
	}
	reversed := route.Options{HostsAnnotation: "dispatcher.hosts", PathsAnnotation: "dispatcher"}
	if got := of(route.Problem{Key: `dispatcher.hosts["x"]`}, reversed); got != "hosts" {
		t.Errorf("the longer name does not count: %s", got)
	}
	if count := Count(nil, options); len(count) != 7 || count["hosts"] != 0 {
		t.Errorf("without Problems: %v", count)
	}
}
