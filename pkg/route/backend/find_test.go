package backend

import (
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
)

const byHand = "ports: [{port: 80, targetPort: 80}]"

// EF1, EF2: a Service without a selector, and an endpoint at a port of its own.
// EX1: an invalid address is told with its object and field, and drops no neighbour.
// EX7: ports are matched by name; what doesn't match, and a targetPort without a
// selector, is told. EX10: more than one port, two families, no endpoints.
func TestEndpointsByHand(t *testing.T) {
	none := `all requests are answered with 503: `
	for name, c := range map[string]struct{ objects, port, want string }{
		"own port (EF1, EF2)": {service("s", byHand) + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.5]}, {addresses: [203.0.113.4]}"), "80",
			"203.0.113.4:8080, 203.0.113.5:8080"},
		"invalid address (EX1)": {service("s", byHand) + slice("e", "s", "{port: 8080}", "{addresses: [2.3.4.5k]}, {addresses: [203.0.113.4, '[::1]', 'fe80::1%eth0']}"), "80",
			"203.0.113.4:8080\n" + `EndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: "2.3.4.5k" is not an IP address` +
				"\n" + `EndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: "[::1]" is not` + "\n" + `EndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: "fe80::1%eth0" is not`},
		"v1 Endpoints (EX3)": {service("s", byHand) + "---\napiVersion: v1\nkind: Endpoints\nmetadata: {namespace: shop, name: s}\n" +
			"subsets: [{addresses: [{ip: 203.0.113.4}, {ip: 2.3.4.5k}], notReadyAddresses: [{ip: 203.0.113.5}], ports: [{port: 8080}]}]\n", "80",
			"203.0.113.4:8080, 203.0.113.5:8080 down\n" + `Endpoints/shop/s subsets.addresses: the endpoint gets no requests: "2.3.4.5k"`},
		"a port of v1 Endpoints (EX3)": {service("s", byHand) + "---\napiVersion: v1\nkind: Endpoints\nmetadata: {namespace: shop, name: s}\nsubsets: [{addresses: [{ip: 203.0.113.4}], ports: [{name: web, port: 8080}]}]\n", "80",
			"\nEndpoints/shop/s subsets.ports: its endpoints get no requests of port 80"},
		"by name": {service("s", "ports: [{name: web, port: 80}, {name: admin, port: 81}]") + slice("e", "s", "{name: admin, port: 9}, {name: web, port: 8080}", "{addresses: [203.0.113.4]}"), "web",
			"203.0.113.4:8080"},
		"two ports (EX10)": {service("s", "ports: [{name: web, port: 80}, {name: admin, port: 81}]") + slice("e", "s", "{name: admin, port: 9}, {name: web, port: 8080}", "{addresses: [203.0.113.4]}"), "81",
			"203.0.113.4:9"},
		"unnamed port (EX7)": {service("s", "ports: [{name: web, port: 80}]") + slice("e", "s", "{port: 80}", "{addresses: [203.0.113.4]}"), "80",
			"\n" + `EndpointSlice/shop/e ports: its endpoints get no requests of port 80 of Service s: none of its TCP ports has that port's name, "web"`},
		"named port of an unnamed one (EX7)": {service("s", byHand) + slice("e", "s", "{name: web, port: 80}", "{addresses: [203.0.113.4]}") + slice("f", "s", "{port: 8080}", "{addresses: [203.0.113.5]}"), "80",
			"203.0.113.5:8080\n" + `EndpointSlice/shop/e ports: its endpoints get no requests of port 80 of Service s: none of its TCP ports has that port's name, ""; give one of them this name (leave`},
		"no number": {service("s", byHand) + slice("e", "s", "{port: 0}", "{addresses: [203.0.113.4]}"), "80",
			"\nEndpointSlice/shop/e ports: its endpoints get no requests: the number of port \"\" is 0"},
		"UDP": {service("s", byHand) + slice("e", "s", "{port: 8080, protocol: UDP}", "{addresses: [203.0.113.4]}"), "80",
			"\nEndpointSlice/shop/e ports: its endpoints get no requests of port 80"},
		"targetPort (EX7)": {service("s", "ports: [{port: 80, targetPort: 8080}]") + slice("e", "s", "{port: 80}", "{addresses: [203.0.113.4]}"), "80",
			"203.0.113.4:80\n" + `Service/shop/s spec.ports.targetPort: "8080" has no effect: the Service has no selector`},
		"targetPort by name (EX7)": {service("s", "ports: [{port: 80, targetPort: web}]") + slice("e", "s", "{port: 80}", "{addresses: [203.0.113.4]}"), "80",
			"203.0.113.4:80\n" + `Service/shop/s spec.ports.targetPort: "web" has no effect`},
		"targetPort as a name": {service("s", "ports: [{name: web, port: 80, targetPort: web}]") + slice("e", "s", "{name: web, port: 8080}", "{addresses: [203.0.113.4]}"), "80",
			"203.0.113.4:8080"},
		"targetPort as one of them": {service("s", "ports: [{port: 80, targetPort: 8080}]") + slice("e", "s", "{port: 80}", "{addresses: [203.0.113.4]}") + slice("f", "s", "{port: 8080}", "{addresses: [203.0.113.5]}"), "80",
			"203.0.113.4:80, 203.0.113.5:8080"},
		"targetPort of no endpoints": {service("s", "ports: [{port: 80, targetPort: 8080}]") + slice("e", "s", "{port: 80}", ""), "80", ""},
		"the first and last port": {service("s", "ports: [{port: 1, targetPort: 1}, {port: 65535}]") + slice("e", "s", "{port: 1}", "{addresses: [203.0.113.4]}") + slice("f", "s", "{port: 65535}", "{addresses: [203.0.113.5]}"), "1",
			"203.0.113.4:1, 203.0.113.5:65535"},
		"targetPort as the endpoints": {service("s", "ports: [{port: 80, targetPort: 8080}]") + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.4]}"), "80",
			"203.0.113.4:8080"},
		"two families (EX10)": {service("s", byHand) + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.4]}") + strings.Replace(slice("f", "s", "{port: 8080}", "{addresses: ['2001:db8::4']}"), "IPv4", "IPv6", 1), "80",
			"203.0.113.4:8080, [2001:db8::4]:8080"},
		"in two slices": {service("s", byHand) + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.4], conditions: {ready: false}}") + slice("f", "s", "{port: 8080}", "{addresses: [203.0.113.4]}"), "80",
			"203.0.113.4:8080"},
		"not ready":              {service("s", byHand) + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.4], conditions: {ready: false}}"), "80", "203.0.113.4:8080 down"},
		"no endpoints (EX10)":    {service("s", byHand) + slice("e", "s", "", ""), "80", ""},
		"no slices (EX10)":       {service("s", byHand), "80", "\nService/shop/s spec.selector: " + none + "it has neither"},
		"no slices yet (EX10)":   {service("s", byHand+", selector: {app: web}"), "80", ""},
		"slice of another":       {service("s", byHand+", selector: {app: web}") + slice("e", "other", "{port: 8080}", "{addresses: [203.0.113.4]}"), "80", ""},
		"no such Service":        {"", "80", "\nReference service.name: " + none + `there is no Service "s"`},
		"no such number":         {service("s", byHand), "81", "\nReference service.port.number: " + none + "Service s has no TCP port 81"},
		"no such name":           {service("s", byHand), "web\n", "\nReference service.port.name: " + none + `Service s has no TCP port "web\n"`},
		"no port":                {service("s", byHand), "", "\nReference service.port: " + none},
		"a number out of range":  {service("s", "ports: [{port: 70000}]") + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.4]}"), "70000", "\nReference service.port.number: " + none},
		"an endpoint's too":      {service("s", byHand) + slice("e", "s", "{port: 70000}", "{addresses: [203.0.113.4]}"), "80", "\nEndpointSlice/shop/e ports: its endpoints get no requests: the number"},
		"no port of that number": {service("s", "ports: [{port: 80, protocol: UDP}]"), "80", "\nReference service.port.number: " + none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := New(world(t, c.objects), Options{Prefix: prefix})
			portName, number := c.port, int32(0)
			for text, n := range map[string]int32{"1": 1, "80": 80, "81": 81, "70000": 70000} {
				if c.port == text {
					portName, number = "", n
				}
			}
			got := show(f.Find("shop", "s", portName, number))
			if !matches(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if again := show(f.Find("shop", "s", portName, number)); again != got {
				t.Errorf("the second time it is %s", again)
			}
		})
	}
}

// A Pod is known by its targetRef and its own address, and serves if both its slice and
// the Pod itself say so. An endpoint that names a Pod is never an address outside.
func TestEndpointsOfPods(t *testing.T) {
	ref := func(pod string) string { return "targetRef: {kind: Pod, name: " + pod + "}" }
	pods := pod("shop", "a", "10.0.0.1") + pod("shop", "b", "10.0.0.2") +
		strings.Replace(pod("shop", "unready", "10.0.0.3"), "'True'", "'False'", 1) + strings.Replace(pod("shop", "done", "10.0.0.4"), "Running", "Succeeded", 1) +
		strings.Replace(pod("shop", "leaving", "10.0.0.5"), "name: leaving", "name: leaving, deletionTimestamp: '1970-01-01T00:01:40Z'", 1) + pod("other", "c", "10.0.0.6")
	selecting := service("s", byHand+", selector: {app: web}") + pods
	mine := service("s", byHand) + pods
	for name, c := range map[string]struct{ objects, want string }{
		"by name": {selecting + slice("e", "s", "{port: 8080}", "{addresses: [10.0.0.2], "+ref("b")+"}, {addresses: [10.0.0.1], "+ref("a")+"}"), "a 10.0.0.1:8080, b 10.0.0.2:8080"},
		"both say": {selecting + slice("e", "s", "{port: 8080}", "{addresses: [10.0.0.3], "+ref("unready")+"}, {addresses: [10.0.0.4], "+ref("done")+"}, {addresses: [10.0.0.5], "+ref("leaving")+"}, {addresses: [10.0.0.1], conditions: {ready: false}, "+ref("a")+"}"),
			"a 10.0.0.1:8080 down, leaving 10.0.0.5:8080 down, unready 10.0.0.3:8080 down"},
		"in two slices": {selecting + slice("e", "s", "{port: 8080}", "{addresses: [10.0.0.1], conditions: {ready: false}, "+ref("a")+"}") + slice("f", "s", "{port: 8080}", "{addresses: [10.0.0.1], "+ref("a")+"}"), "a 10.0.0.1:8080"},
		"two families":  {selecting + slice("e", "s", "{port: 8080}", "{addresses: ['fd00::1'], "+ref("a")+"}"), "a 10.0.0.1:8080"},
		"two ports of one Pod": {selecting + slice("e", "s", "{port: 8080}", "{addresses: [10.0.0.1], "+ref("a")+"}") + slice("f", "s", "{port: 9}", "{addresses: [10.0.0.1], "+ref("a")+"}"),
			"a 10.0.0.1:8080\nEndpointSlice/shop/f ports: Pod/shop/a gets no requests at 10.0.0.1:9: EndpointSlice/shop/e says that it listens at 10.0.0.1:8080"},
		"Kubernetes lags":  {selecting + slice("e", "s", "{port: 8080}", "{addresses: [10.0.0.9], "+ref("gone")+"}, {addresses: [10.0.0.8], "+ref("a")+"}"), ""},
		"another's name":   {mine + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.4], "+ref("a")+"}"), "\nEndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: 203.0.113.4 is not the address of Pod \"a\""},
		"nobody's name":    {mine + slice("e", "s", "{port: 8080}", "{addresses: [203.0.113.4], "+ref("gone")+"}"), "\nEndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: 203.0.113.4 is not the address of Pod \"gone\""},
		"other namespaces": {mine + slice("e", "s", "{port: 8080}", "{addresses: [10.0.0.6], targetRef: {kind: Pod, name: c, namespace: other}}"), "\nEndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: 10.0.0.6 is refused: it is a Pod's address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := show(New(world(t, c.objects), Options{Prefix: prefix}).Find("shop", "s", "", 80))
			if !matches(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// What policies need of a Pod is handed on.
func TestCandidate(t *testing.T) {
	s := world(t, service("s", byHand)+strings.Replace(slice("outside", "s", "{port: 8080}", "{addresses: [203.0.113.4]}"), "name: outside", "name: outside, creationTimestamp: '1970-01-01T00:01:00Z'", 1)+
		slice("e", "s", "{port: 8080}", "{addresses: [10.0.0.1], targetRef: {kind: Pod, name: web-1}}, {addresses: [10.0.0.2], targetRef: {kind: Pod, name: web-2}}")+
		strings.Replace(pod("shop", "web-2", "10.0.0.2"), "Running", "Pending", 1)+
		strings.Replace(pod("shop", "web-1", "10.0.0.1"), "name: web-1", "name: web-1, creationTimestamp: '1970-01-01T00:00:50Z', ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, uid: u, controller: true}]", 1))
	b, _ := New(s, Options{}).Find("shop", "s", "", 80)
	if out := b.Candidates[0]; !out.Reachable || out.Created != 60 || out.Ref.Name != "outside" || out.Endpoint.Pod != out.Ref {
		t.Errorf("%+v", out)
	}
	c := b.Candidates[1]
	if down := b.Candidates[2]; down.Reachable || down.Serves {
		t.Errorf("%+v", down)
	}
	pod := cluster.Ref{Kind: "Pod", Namespace: "shop", Name: "web-1"}
	if b.Service.Name != "s" || c.Ref != pod || c.Endpoint.Pod != pod || c.Created != 50 || c.ReadySince != 100 || c.Endpoint.ReadySince != 100 || !c.Reachable || c.Deleting || c.StatefulSet != "web" {
		t.Errorf("%+v", b)
	}
}

// KF5: the endpoint port of the name, else 80; KX6: all slices, whatever the Service says.
func TestDirect(t *testing.T) {
	slices := slice("e", "s", "{name: http, port: 8080}, {name: x, port: 9}", "{addresses: [10.0.0.1], targetRef: {kind: Pod, name: a}}") +
		slice("f", "s", "{name: x, port: 9}", "{addresses: [10.0.0.2], targetRef: {kind: Pod, name: b}}") + slice("g", "s", "", "{addresses: [203.0.113.4]}") +
		pod("shop", "a", "10.0.0.1") + pod("shop", "b", "10.0.0.2")
	for objects, want := range map[string]string{
		slices: "203.0.113.4:80, a 10.0.0.1:8080, b 10.0.0.2:80",
		slices + service("s", "ports: [{port: 1}], selector: {app: web}"): "203.0.113.4:80, a 10.0.0.1:8080, b 10.0.0.2:80",
		service("s", byHand): "",
	} {
		f := New(world(t, objects), Options{})
		if b, _ := f.Find("shop", "s", "http", 0); len(b.Candidates) > 0 {
			t.Errorf("by the Service there are %v", b.Candidates)
		}
		if got := show(f.Direct("shop", "s", "http")); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
