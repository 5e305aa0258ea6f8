package deploy_test

import (
	"reflect"
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/30x/dispatcher/pkg/ingressstatus"
)

// DX17: Dispatcher may read what it routes by, and of Secrets one of each Namespace;
// it may write its Events, its Lease and the status of Ingresses, and nothing else.
func TestRBAC(t *testing.T) {
	each(t, func(t *testing.T, m manifests) {
		watch := []string{"list", "watch"}
		want := []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"namespaces", "pods"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"routing"}, Verbs: watch},
			{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses", "ingressclasses"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: watch},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: watch},
			{APIGroups: []string{"apps"}, Resources: []string{"statefulsets"}, Verbs: watch},
			{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: watch},
			{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses/status"}, Verbs: []string{"update"}},
			{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}},
		}
		var leases []string
		for _, c := range m.daemonSet.Spec.Template.Spec.Containers {
			cfg := load(t, c)
			leases = append(leases, ingressstatus.LeaseName(cfg.IngressClass))
			if cfg.IngressTLS {
				want[1].ResourceNames = nil // RBAC can't tell Secrets by their type
			}
			if class := m.classes[cfg.IngressClass]; class == nil || class.Spec.Controller != cfg.IngressController || len(class.Annotations) > 0 {
				t.Errorf("container %s: its IngressClass is %v", c.Name, class)
			}
		}
		if !reflect.DeepEqual(m.role.Rules, want) || m.role.AggregationRule != nil {
			t.Errorf("rules:\n got %v\nwant %v", m.role.Rules, want)
		}
		own := []rbacv1.PolicyRule{
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create"}},
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, ResourceNames: leases, Verbs: []string{"get", "update"}},
		}
		if !reflect.DeepEqual(m.local.Rules, own) {
			t.Errorf("rules in its own namespace:\n got %v\nwant %v", m.local.Rules, own)
		}
		subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Name: m.account.Name, Namespace: m.account.Namespace}}
		for kind, binding := range map[string]rbacv1.ClusterRoleBinding{
			"ClusterRole": *m.binding, "Role": {RoleRef: m.localBinding.RoleRef, Subjects: m.localBinding.Subjects},
		} {
			if ref := (rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: m.role.Name}); binding.RoleRef != ref || m.local.Name != m.role.Name {
				t.Errorf("binding refers to %v, want %v", binding.RoleRef, ref)
			}
			if !slices.Equal(binding.Subjects, subjects) {
				t.Errorf("binding of a %s is for %v, want %v", kind, binding.Subjects, subjects)
			}
		}
		if pod := m.daemonSet.Spec.Template.Spec; pod.ServiceAccountName != m.account.Name {
			t.Errorf("Pods run as %q, want %q", pod.ServiceAccountName, m.account.Name)
		}
		for kind, ns := range map[string]string{"ServiceAccount": m.account.Namespace, "DaemonSet": m.daemonSet.Namespace, "Role": m.local.Namespace, "RoleBinding": m.localBinding.Namespace} {
			if ns != m.namespace.Name {
				t.Errorf("%s is in %q, want %q", kind, ns, m.namespace.Name)
			}
		}
	})
}

// The chart grants what the settings need, and no more.
func TestChartRules(t *testing.T) {
	for values, want := range map[string]struct {
		secrets, configMaps, leases []string // resourceNames; nil: all, empty: there is no such rule
		classes                     map[string]string
	}{
		`settings: {OVERRIDES: none, ALLOWED_HOSTS: edge/hosts}`: {secrets: []string{"routing"}, configMaps: []string{"hosts"}, leases: []string{"ingress-status-dispatcher"}, classes: map[string]string{"dispatcher": "github.com/30x/dispatcher"}},
		`settings: {INGRESS_CLASS: none, OVERRIDES: none}`:       {secrets: []string{"routing"}, configMaps: []string{}, leases: []string{}},
		`{settings: {OVERRIDES: "b, a", API_KEY_SECRET_LOCATION: "keys:k"}, ingressClass: {create: false}}`: {
			secrets: []string{"keys"}, configMaps: []string{"a", "b"}, leases: []string{"ingress-status-dispatcher"},
		},
		`{tls: {secretName: x}, settings: {INGRESS_TLS: true, INGRESS_CLASS: edge, INGRESS_CONTROLLER: e.com/x}}`: {
			leases: []string{"ingress-status-edge"}, classes: map[string]string{"edge": "e.com/x"},
		},
		`instances: [{name: a, settings: {OVERRIDES: x}}, {name: b, port: 81, tlsPort: 444, settings: {INGRESS_CLASS: none}}, {name: c, port: 82, tlsPort: 445, settings: {INGRESS_CLASS: edge}}]`: {
			secrets: []string{"routing"}, leases: []string{"ingress-status-dispatcher", "ingress-status-edge"},
			classes: map[string]string{"dispatcher": "github.com/30x/dispatcher", "edge": "github.com/30x/dispatcher"},
		},
	} {
		m := chart(t, values)
		named := func(rules []rbacv1.PolicyRule, resource, verb string) []string {
			for _, r := range rules {
				if slices.Contains(r.Resources, resource) && slices.Contains(r.Verbs, verb) {
					return r.ResourceNames
				}
			}
			return []string{}
		}
		var local []rbacv1.PolicyRule
		if m.local != nil {
			local = m.local.Rules
		}
		for resource, names := range map[string][2][]string{
			"secrets":    {named(m.role.Rules, "secrets", "watch"), want.secrets},
			"configmaps": {named(m.role.Rules, "configmaps", "watch"), want.configMaps},
			"leases":     {named(local, "leases", "update"), want.leases},
		} {
			if !reflect.DeepEqual(names[0], names[1]) {
				t.Errorf("%s\n%s: %q, want %q", values, resource, names[0], names[1])
			}
		}
		for _, resource := range []string{"ingresses", "services", "endpointslices", "ingressclasses"} {
			if all := named(m.role.Rules, resource, "watch") == nil; all != (len(want.leases) > 0) {
				t.Errorf("%s\nmay watch %s: %t", values, resource, all)
			}
		}
		got := map[string]string(nil)
		for name, class := range m.classes {
			if got == nil {
				got = map[string]string{}
			}
			got[name] = class.Spec.Controller
		}
		if !reflect.DeepEqual(got, want.classes) {
			t.Errorf("%s\nIngressClasses %v, want %v", values, got, want.classes)
		}
	}
	const byDefault = networkingv1.AnnotationIsDefaultIngressClass
	if c := chart(t, `ingressClass: {annotations: {`+byDefault+`: "true"}}`).classes["dispatcher"]; c == nil || c.Annotations[byDefault] != "true" {
		t.Errorf("the default IngressClass is %v", c)
	}
}
