package ingress

import (
	"strings"
	"testing"
)

// hostRules are rules of these hosts, each with one path.
func hostRules(hosts ...string) string {
	return rules(strings.Split(strings.Join(hosts, " /:b|")+" /:b", "|")...)
}

// hostsOnly leaves out the locations.
func hostsOnly(served string) string {
	var out []string
	for line := range strings.Lines(served) {
		if line[0] != ' ' {
			out = append(out, line)
		}
	}
	return strings.TrimSuffix(strings.Join(out, ""), "\n")
}

// EF3: TLS as Ingresses ask for it. What can't be had refuses the host.
func TestTLS(t *testing.T) {
	off := options()
	off.TLS = false
	for name, c := range map[string]struct {
		objects string
		opts    Options
		served  string
		told    string
	}{
		"by name":              {ingressOf("i", 1, hostRules("a.dev", "b.dev")+", tls: [{hosts: [A.dev.], secretName: s}]"), options(), "a.dev s of i spec.tls[0].secretName\nb.dev", ""},
		"by a wildcard":        {ingressOf("i", 1, hostRules("a.dev.test", "*.dev.test", "a.b.dev.test")+", tls: [{hosts: ['*.dev.test'], secretName: s}]"), options(), "*.dev.test s of i spec.tls[0].secretName\na.b.dev.test\na.dev.test s of i spec.tls[0].secretName", ""},
		"a name before it":     {ingressOf("i", 1, hostRules("a.dev.test")+", tls: [{hosts: ['*.dev.test'], secretName: w}, {secretName: h}, {hosts: [a.dev.test], secretName: s}]"), options(), "a.dev.test s of i spec.tls[2].secretName", ""},
		"all hosts":            {ingressOf("i", 1, hostRules("a.dev", "b.dev")+", tls: [{secretName: h}, {hosts: [a.dev], secretName: s}]") + ingressOf("j", 2, hostRules("c.dev")), options(), "a.dev s of i spec.tls[1].secretName\nb.dev h of i spec.tls[0].secretName\nc.dev", ""},
		"of another Ingress":   {ingressOf("i", 1, hostRules("a.dev")) + ingressOf("j", 2, "defaultBackend: "+to("b")+", tls: [{hosts: [a.dev], secretName: s}]"), options(), "hosts that nobody declares\na.dev s of j spec.tls[0].secretName", ""},
		"a wildcard is not":    {ingressOf("i", 1, hostRules("a.dev.test")) + ingressOf("j", 2, hostRules("b.dev.test")+", tls: [{hosts: ['*.dev.test'], secretName: s}]"), options(), "a.dev.test\nb.dev.test s of j spec.tls[0].secretName", ""},
		"twice the same":       {ingressOf("i", 1, hostRules("a.dev")+", tls: [{hosts: [a.dev, a.dev], secretName: s}, {hosts: [a.dev], secretName: s}]"), options(), "a.dev s of i spec.tls[0].secretName", ""},
		"twice in one":         {ingressOf("i", 1, hostRules("a.dev")+", tls: [{hosts: [a.dev], secretName: s}, {hosts: [a.dev], secretName: u}]"), options(), "a.dev s of i spec.tls[0].secretName", "i: spec.tls[1].secretName: the Secret is not used for a.dev: spec.tls[0] of Ingress i, which comes first, names Secret s"},
		"twice in two":         {ingressOf("z", 1, hostRules("a.dev")+", tls: [{hosts: [a.dev], secretName: s}]") + ingressOf("b", 2, rules("a.dev /x:b")+", tls: [{secretName: u}]"), options(), "a.dev s of z spec.tls[0].secretName", "b: spec.tls[0].secretName: the Secret is not used for a.dev: spec.tls[0] of Ingress z"},
		"the first names none": {ingressOf("i", 1, hostRules("a.dev")+", tls: [{hosts: [a.dev]}]") + ingressOf("j", 2, rules("a.dev /x:b")+", tls: [{hosts: [a.dev], secretName: s}]"), options(), "a.dev s of j spec.tls[0].secretName", ""},
		"no Secret":            {ingressOf("i", 1, hostRules("a.dev", "b.dev")+", tls: [{hosts: [a.dev]}]"), options(), "a.dev refused\nb.dev", "i: spec.tls[0].secretName: a.dev: not served, also not on plain HTTP: it asks for TLS without a certificate"},
		"no name of a Secret":  {ingressOf("i", 1, hostRules("a.dev")+", tls: [{hosts: [a.dev], secretName: ../s}]"), options(), "a.dev refused", "i: spec.tls[0].secretName: a.dev: not served, also not on plain HTTP: \"../s\" is not the name of an object"},
		"off":                  {ingressOf("i", 1, hostRules("a.dev", "b.dev")+", tls: [{hosts: [a.dev], secretName: s}]"), off, "a.dev refused\nb.dev", "i: spec.tls[0]: a.dev: not served, also not on plain HTTP: TLS for Ingresses is off; the operator turns it on with INGRESS_TLS"},
		"no rule":              {ingressOf("i", 1, hostRules("a.dev")+", tls: [{hosts: [b.dev, 'x..y', '*.c.dev'], secretName: s}]"), options(), "a.dev", "i: spec.tls[0].hosts[0]: it has no effect: no rule is for the host b.dev\ni: spec.tls[0].hosts[1]: the name is dropped\ni: spec.tls[0].hosts[2]: it has no effect"},
		"no host":              {ingressOf("i", 1, hostRules("-", "a.dev")+", tls: [{secretName: s}]"), options(), "hosts that nobody declares refused\na.dev s of i spec.tls[0].secretName", "i: spec.tls[0].hosts: hosts that nobody declares: not served, also not on plain HTTP: TLS needs a name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, base+c.objects, c.opts, c.served, c.told)
		})
	}
}
