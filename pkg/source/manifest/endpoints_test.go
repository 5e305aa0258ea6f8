package manifest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// told is each EndpointSlice as SERVICE[PORTS]: ADDRESSES, those that are not ready in
// parentheses.
func told(t *testing.T, text string) (out []string) {
	t.Helper()
	objects, problems := Objects([]*File{mustParse(t, "m", text)})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, o := range objects {
		s, ok := o.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		var ports, addresses []string
		for _, p := range s.Ports {
			ports = append(ports, fmt.Sprintf("%s=%d", *p.Name, *p.Port))
		}
		for _, e := range s.Endpoints {
			at := e.Addresses[0]
			if e.Conditions.Ready != nil && !*e.Conditions.Ready {
				at = "(" + at + ")"
			}
			addresses = append(addresses, at)
		}
		out = append(out, fmt.Sprintf("%s %s[%s]: %s", s.Name, s.Labels[discoveryv1.LabelServiceName], strings.Join(ports, " "), strings.Join(addresses, " ")))
	}
	return out
}

// Services have in files the endpoints that they would have in a cluster.
func TestEndpointsOfServices(t *testing.T) {
	t.Parallel()
	pod := func(name, ip, ready, port string) string {
		return fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, labels: {app: a}}\nspec: {containers: [{name: c, ports: [{name: web, containerPort: %s}]}]}\n"+
			"status: {phase: Running, podIP: %q, conditions: [{type: Ready, status: %q}]}\n", name, port, ip, ready)
	}
	service := func(spec string) string {
		return "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {" + spec + "}\n"
	}
	const selects = "selector: {app: a}, ports: [{name: http, port: 80, targetPort: web}, {port: 81, name: plain}, {port: 82, name: none, targetPort: missing}]"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"by ports and family": {
			service(selects) + pod("p", "10.0.0.1", "True", "8080") + pod("q", "10.0.0.2", "False", "8080") + pod("r", "10.0.0.3", "True", "9090") + pod("v", "fd00::1", "True", "8080"),
			[]string{"s-0 s[http=8080 plain=81]: 10.0.0.1 (10.0.0.2)", "s-1 s[http=9090 plain=81]: 10.0.0.3", "s-2 s[http=8080 plain=81]: fd00::1"},
		},
		"not ready, but wanted": {service(selects+", publishNotReadyAddresses: true") + pod("q", "10.0.0.2", "False", "8080"), []string{"s-0 s[http=8080 plain=81]: 10.0.0.2"}},
		"Pods without address, and others": {
			service("selector: {app: b}, ports: [{port: 80}]") + pod("p", "", "True", "8080") + pod("q", "10.0.0.2", "True", "8080"), nil,
		},
		"without selector": {service("ports: [{port: 80}]") + pod("p", "10.0.0.1", "True", "8080"), nil},
		"a name":           {service("type: ExternalName, externalName: e.com, selector: {app: a}") + pod("p", "10.0.0.1", "True", "8080"), nil},
		"given by hand": {
			service(selects) + pod("p", "10.0.0.1", "True", "8080") + "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: s}\n", nil,
		},
		"the name is taken": {
			service(selects) + pod("p", "10.0.0.1", "True", "8080") + "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s-0, labels: {kubernetes.io/service-name: other}}\naddressType: IPv4\nendpoints: []\n",
			[]string{"s-0 other[]: ", "s-1 s[http=8080 plain=81]: 10.0.0.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := told(t, c.text); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
