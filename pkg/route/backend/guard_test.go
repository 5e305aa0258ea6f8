package backend

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// EX6: what an endpoint outside the cluster may be, by default and as the operator says
// (CVE-2021-25740).
func TestGuard(t *testing.T) {
	s := world(t, pod("other", "p", "10.0.0.1")+service("s", byHand+", clusterIPs: [10.96.0.1, 'fd00::96']")+
		strings.Replace(slice("k", "kubernetes", "", "{addresses: [203.0.113.9]}"), "namespace: shop", "namespace: default", 1)+slice("k", "kubernetes", "", "{addresses: [203.0.113.8]}"))
	f := New(s, Options{APIServer: []netip.Addr{netip.MustParseAddr("203.0.113.1")}})
	for addr, want := range map[string]string{
		"203.0.113.4": "", "10.0.0.2": "", "192.168.7.8": "", "2001:db8::1": "", "fd00::1": "", "64:ff9b::cb00:7104": "",
		"10.0.0.1": "a Pod's", "::ffff:10.0.0.1": "a Pod's", "192.168.7.7": "a node's", "10.96.0.1": "a Service's", "fd00::96": "a Service's", "203.0.113.1": "the API server's", "203.0.113.9": "the API server's", "203.0.113.8": "",
		"127.0.0.1": "a loopback", "127.1.2.3": "a loopback", "::1": "a loopback", "::ffff:127.0.0.1": "a loopback",
		"169.254.169.254": "a link-local", "169.254.0.1": "a link-local", "fe80::1": "a link-local", "fd00:ec2::254": "a metadata service's", "100.100.100.200": "a metadata service's", "168.63.129.16": "a metadata service's",
		"224.0.0.1": "a multicast", "239.1.1.1": "a multicast", "ff02::1": "a multicast", "0.0.0.0": "no host's", "0.1.2.3": "no host's", "::": "no host's", "255.255.255.255": "no host's",
		"64:ff9b::7f00:1": "a loopback", "64:ff9b::a9fe:a9fe": "a link-local", "64:ff9b::a00:1": "a Pod's", "2002:7f00:1::1": "a loopback", "2002:a00:1::": "a Pod's", "::127.0.0.1": "a loopback",
	} {
		got := f.guard.refuse(netip.MustParseAddr(addr).Unmap())
		if want == "" && got != "" || !strings.HasPrefix(got, "it is "+want+" address") && want != "" {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
	for _, c := range []struct {
		allow, deny, addr string
		refused           bool
	}{
		{"203.0.113.0/24", "", "203.0.113.4", false},
		{"203.0.113.0/24", "", "198.51.100.1", true},
		{"203.0.113.0/24", "203.0.113.4/32", "203.0.113.4", true},
		{"127.0.0.0/8", "", "127.0.0.1", false}, // Allow beats what is refused by default
		{"10.0.0.0/8", "", "10.0.0.1", false},
		{"127.0.0.0/8", "127.0.0.1/32", "127.0.0.1", true},
		{"", "203.0.113.0/24", "203.0.113.4", true},
		{"", "203.0.113.0/24", "64:ff9b::cb00:7104", true},
		{"64:ff9b::/96", "", "64:ff9b::7f00:1", false},
		{"", "203.0.113.0/24", "198.51.100.1", false},
		{"::/0", "", "203.0.113.4", true},
	} {
		opts := Options{}
		if c.allow != "" {
			opts.Allow = prefixes(c.allow)
		}
		if c.deny != "" {
			opts.Deny = prefixes(c.deny)
		}
		f := New(s, opts)
		if why := f.guard.refuse(netip.MustParseAddr(c.addr)); (why != "") != c.refused {
			t.Errorf("%+v: %q", c, why)
		}
	}
}

// EX6: a refused endpoint is told, and its neighbours serve.
func TestRefusedEndpoint(t *testing.T) {
	s := world(t, service("s", byHand)+slice("e", "s", "{port: 6443}", "{addresses: [169.254.169.254, 203.0.113.4]}"))
	got := show(New(s, Options{}).Find("shop", "s", "", 80))
	if want := "203.0.113.4:6443\nEndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: 169.254.169.254 is refused: it is a link-local address; have the operator add it to ENDPOINT_ALLOW"; !matches(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// EX9: names are those that the operator allows, their addresses those that were looked
// up, and pass the same test (EX6); without one there is nobody.
func TestNames(t *testing.T) {
	fqdn := strings.Replace(slice("e", "s", "{port: 8443}", "{addresses: [Api.Example.com., a.b.example.com]}, {addresses: [metadata.example.com], conditions: {ready: false}}"), "IPv4", "FQDN", 1)
	external := func(name, more string) string { return service("s", "type: ExternalName, externalName: "+name+more) }
	const ports = ", ports: [{name: web, port: 80}]"
	for name, c := range map[string]struct{ objects, patterns, want string }{
		"ExternalName":        {external("Api.example.com.", ports), "api.example.com", "203.0.113.4:80, [2001:db8::4]:80"},
		"without ports":       {external("api.example.com", ""), "*.example.com", "203.0.113.4:80, [2001:db8::4]:80"},
		"another port":        {external("api.example.com", ", ports: [{port: 443}]"), "*", "\nReference service.port.number: "},
		"targetPort (EX7)":    {external("api.example.com", ", ports: [{port: 80, targetPort: 8080}]"), "*", "203.0.113.4:80, [2001:db8::4]:80\nService/shop/s spec.ports.targetPort: \"8080\" has no effect: what a name stands for is asked at the Service's port itself, 80; write the port that is meant there"},
		"none by default":     {external("api.example.com", ports), "", "\nService/shop/s spec.externalName: it gets no requests: \"api.example.com\" is not among the names"},
		"star is one label":   {external("a.b.example.com", ports), "*.example.com,b.example.com,*.,*.com", "\nService/shop/s spec.externalName: it gets no requests: \"a.b.example.com\" is not among"},
		"no address (EX9)":    {external("gone.example.com", ports), "*", "\nService/shop/s spec.externalName: it gets no requests: no address of \"gone.example.com\" is known"},
		"inside (EX6)":        {external("metadata.example.com", ports), "*", "\nService/shop/s spec.externalName: the endpoint gets no requests: 169.254.169.254 is refused"},
		"EndpointSlice":       {service("s", byHand) + fqdn, "*", "198.51.100.1:8443, 203.0.113.4:8443, [2001:db8::4]:8443\nEndpointSlice/shop/e endpoints.addresses: the endpoint gets no requests: 169.254.169.254"},
		"some names (EX9)":    {service("s", byHand) + fqdn, "API.example.com", "203.0.113.4:8443, [2001:db8::4]:8443\nEndpointSlice/shop/e endpoints.addresses: it gets no requests: \"a.b.example.com\" is not\nEndpointSlice/shop/e endpoints.addresses: it gets no requests: \"metadata.example.com\" is not"},
		"an address is none":  {external("203.0.113.4", ports), "*", "\nService/shop/s spec.externalName: it gets no requests: no address of"},
		"selector is ignored": {external("api.example.com", ports+", selector: {app: x}"), "*", "203.0.113.4:80, [2001:db8::4]:80"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := world(t, c.objects)
			s.Names = map[string][]netip.Addr{
				"api.example.com":      {netip.MustParseAddr("203.0.113.4"), netip.MustParseAddr("2001:db8::4")},
				"a.b.example.com":      {netip.MustParseAddr("198.51.100.1")},
				"metadata.example.com": {netip.MustParseAddr("169.254.169.254")},
				"gone.example.com":     nil,
			}
			got := show(New(s, Options{ExternalNames: strings.Split(c.patterns, ",")}).Find("shop", "s", "", 80))
			if !matches(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// A port is searched once, however often it is asked for.
func BenchmarkFind(b *testing.B) {
	big := world(b, manyPods(2000))
	for b.Loop() {
		f := New(big, Options{})
		for range 1000 {
			f.Find("shop", "s", "", 80)
		}
	}
}

func manyPods(n int) string {
	var b strings.Builder
	b.WriteString(service("s", byHand+", selector: {app: web}"))
	var endpoints []string
	for i := range n {
		ip := fmt.Sprintf("10.1.%d.%d", i/250, i%250+1)
		b.WriteString(pod("shop", fmt.Sprintf("p-%d", i), ip))
		endpoints = append(endpoints, fmt.Sprintf("{addresses: [%s], targetRef: {kind: Pod, name: p-%d}}", ip, i))
	}
	b.WriteString(slice("e", "s", "{port: 8080}", strings.Join(endpoints, ", ")))
	return b.String()
}
