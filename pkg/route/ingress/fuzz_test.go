package ingress

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/backend"
)

// FuzzTranslate: whatever stands in an Ingress and its Service, there is a Result, the
// same for any order of the Ingresses, and what is told is one line of plain text.
func FuzzTranslate(f *testing.F) {
	f.Add("a.dev", "/x", "Prefix", "s", "web", "a.dev", "secret", "one", "10.0.0.0/8", "203.0.113.4")
	f.Add("b.dev", "", "ImplementationSpecific", "web", "http", "", "", "", "", "fe80::1%x")
	f.Add("", "", "", "", "", "", "", "", "", "")
	f.Add("*.a.dev", "/x;y", "Exact\n", "s\x1b", "\xff", "*.A.dev.", "../x", "hash", "1.2.3.4,", "2.3.4.5k")
	f.Fuzz(func(t *testing.T, host, path, kind, service, port, name, secret, policy, ranges, address string) {
		annotations := map[string]string{prefix + "policy": policy, prefix + "allowSourceRanges": ranges, prefix + name: secret}
		to := cluster.IngressBackend{Service: service, PortName: port}
		one := &cluster.Ingress{
			Ref: ref("Ingress", "one"), Annotations: annotations, Default: &to,
			Rules: []cluster.IngressRule{{Host: host, Paths: []cluster.IngressPath{{Path: path, Type: kind, Backend: to}, {Path: path, Type: "Prefix", Backend: to}}}},
			TLS:   []cluster.IngressTLS{{Hosts: []string{name, host}, Secret: secret}},
		}
		two := &cluster.Ingress{Ref: ref("Ingress", "two"), Rules: one.Rules, TLS: []cluster.IngressTLS{{Secret: name}}}
		s := &cluster.Snapshot{
			Ingresses: []*cluster.Ingress{one, two},
			Services: []*cluster.Service{{
				Ref: ref("Service", "s"), Annotations: annotations, Ports: []cluster.ServicePort{{Name: port, Number: 80, TargetPort: path}},
				SourceRanges: []string{ranges, address}, ExternalName: host,
			}, {Ref: ref("Service", "web"), Ports: []cluster.ServicePort{{Name: port, Number: 80, TargetPort: path}}}},
			EndpointSlices: []*cluster.EndpointSlice{{
				Ref: ref("EndpointSlice", "e"), Service: service, FQDN: len(address)%2 == 0, Ports: []cluster.EndpointPort{{Name: port, Number: int32(len(path))}},
				Endpoints: []cluster.SliceEndpoint{{Addresses: []string{address, host}, Pod: policy}, {Addresses: []string{address}}},
			}},
		}
		run := func() string {
			in := input(s, options())
			in.Finder = backend.New(s, backend.Options{Prefix: prefix, ExternalNames: []string{"*"}})
			out := Translate(in, options())
			for _, p := range out.Problems {
				if text := p.String(); strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
					t.Errorf("not plain: %q", text)
				}
			}
			var text strings.Builder
			for _, h := range out.Hosts {
				fmt.Fprintln(&text, h.show(), tlsText(h))
				for _, l := range h.Locations {
					fmt.Fprintln(&text, locationText(l))
				}
			}
			return fmt.Sprint(text.String(), out.Problems)
		}
		first := run()
		slices.Reverse(s.Ingresses)
		if again := run(); again != first {
			t.Errorf("%s\nand then\n%s", first, again)
		}
	})
}
