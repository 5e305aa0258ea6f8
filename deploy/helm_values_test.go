package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Each value arrives where it belongs, and nowhere else ("" is: nothing there).
func TestChartValues(t *testing.T) {
	const pod, first = ".spec.template.spec", ".spec.template.spec.containers[dispatcher]"
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for values, want := range map[string]map[string]string{
		`image: {repository: example.com/d, tag: v1, pullPolicy: Always}`: {
			first + ".image": "example.com/d:v1", first + ".imagePullPolicy": "Always",
		},
		`image: {tag: v1, digest: "` + digest + `"}`:                                 {first + ".image": "thirtyx/dispatcher@" + digest, first + ".imagePullPolicy": ""},
		`imagePullSecrets: [{name: pull}]`:                                           {pod + ".imagePullSecrets[pull].name": "pull"},
		`fullnameOverride: router`:                                                   {".metadata.name": "router", pod + ".serviceAccountName": "router"},
		`serviceAccount: {create: false, name: mine}`:                                {pod + ".serviceAccountName": "mine"},
		`instances: [{name: dispatcher, port: 8080, adminPort: 1}]`:                  {first + ".ports[http].hostPort": "8080", first + ".ports[admin].containerPort": "1", first + ".env[PORT].value": "8080", first + ".env[ADMIN_ADDR].value": ":1"},
		`instances: [{name: dispatcher, hostPorts: false}]`:                          {first + ".ports[http].containerPort": "80", first + ".ports[http].hostPort": ""},
		`instances: [{name: dispatcher, resources: {limits: {memory: 2Gi}}}]`:        {first + ".resources.limits.memory": "2Gi", first + ".resources.requests.cpu": ""},
		`resources: {requests: {cpu: "2"}}`:                                          {first + ".resources.requests.cpu": "2", first + ".resources.limits.memory": "1Gi"},
		`{sidecar: true, controllerResources: {requests: {cpu: "2"}}}`:               {first + ".resources.requests.cpu": "2", pod + ".containers[nginx].resources.requests.cpu": "100m"},
		`{sidecar: true, instances: [{name: x, controllerResources: {limits: {}}}]}`: {pod + ".containers[dispatcher-x].resources.requests.cpu": "", pod + ".containers[nginx-x].resources.requests.cpu": "100m"},
		`tls: {secretName: cert, certificatesSizeLimit: 1Gi}`: {
			pod + ".volumes[default-tls].secret.secretName": "cert", pod + ".volumes[certificates].emptyDir.sizeLimit": "1Gi", first + ".ports[https].hostPort": "443",
		},
		`{tls: {secretName: cert}, instances: [{name: dispatcher, tlsPort: 8443}]}`: {first + ".ports[https].hostPort": "8443", first + ".env[SSL_PORT].value": "8443"},
		`scrapeAnnotations: true`: {
			".spec.template.metadata.annotations.prometheus.io/port": "9254", ".spec.template.metadata.annotations.prometheus.io/scrape": "true", ".spec.template.metadata.annotations.prometheus.io/path": "/metrics",
		},
		`{scrapeAnnotations: true, podAnnotations: {prometheus.io/path: /other, a: b}}`: {
			".spec.template.metadata.annotations.prometheus.io/path": "/other", ".spec.template.metadata.annotations.a": "b",
		},
		`podLabels: {team: routing, app.kubernetes.io/name: other}`: {
			".spec.template.metadata.labels.team": "routing", ".spec.template.metadata.labels.app.kubernetes.io/name": "dispatcher", ".spec.selector.matchLabels.team": "",
		},
		`{podLabels: null, podAnnotations: null, resources: null, settings: null, affinity: null}`: {first + ".resources": "{}", first + ".env[LOG_FORMAT].value": "", first + ".image": "thirtyx/dispatcher:latest"},
		`nodeSelector: {disk: ssd}`: {pod + ".nodeSelector.disk": "ssd", pod + ".nodeSelector.kubernetes.io/os": "linux"},
		`tolerations: []`:           {pod + ".tolerations[0].key": ""},
		`tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 1000000}]`: {pod + ".tolerations[0].key": "a", pod + ".tolerations[0].tolerationSeconds": "1000000"},
		`affinity: {podAntiAffinity: {}}`:         {pod + ".affinity.podAntiAffinity": "{}"},
		`priorityClassName: system-node-critical`: {pod + ".priorityClassName": "system-node-critical"},
		`maxUnavailable: 10%`:                     {".spec.updateStrategy.rollingUpdate.maxUnavailable": "10%"},
		`{extraVolumes: [{name: t, configMap: {name: c}}], extraVolumeMounts: [{name: t, mountPath: /t}]}`: {pod + ".volumes[t].configMap.name": "c", first + ".volumeMounts[/t].name": "t"},
		`settings: {EVENT_WINDOW: 5s, LOG_FORMAT: null}`:                                                   {first + ".env[EVENT_WINDOW].value": "5s", first + ".env[LOG_FORMAT].value": "", first + ".env[WORKER_PROCESSES].value": "4"},
		// An instance's setting beats the common one, also where it is false, and "" is the default.
		`{settings: {ACCESS_LOG: true, HSTS: 1h, EVENT_WINDOW: 9s}, instances: [{name: dispatcher, settings: {ACCESS_LOG: false, HSTS: "", EVENT_WINDOW: 3s}}]}`: {
			first + ".env[ACCESS_LOG].value": "false", first + ".env[HSTS].name": "", first + ".env[EVENT_WINDOW].value": "3s",
		},
	} {
		got := meaning(t, chart(t, values).daemonSet)
		for place, value := range want {
			if got[place] != value {
				t.Errorf("%s:\n%s is %q, want %q", values, place, got[place], value)
			}
		}
	}
}

// What an instance doesn't say is as values.yaml has it.
func TestChartInstanceDefaults(t *testing.T) {
	for values, same := range map[string]string{
		"":                                      "instances: [{name: dispatcher}]",
		"{sidecar: true, tls: {secretName: a}}": "{sidecar: true, tls: {secretName: a}, instances: [{name: dispatcher}]}",
	} {
		if want, got := meaning(t, chart(t, values).daemonSet), meaning(t, chart(t, same).daemonSet); !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", same, got, want)
		}
	}
}

// Names of a release that is not called like the chart, in another namespace.
func TestChartNames(t *testing.T) {
	m := chart(t, "serviceAccount: {annotations: {a: b}}", "-release=edge", "-namespace=routing")
	if m.account.Annotations["a"] != "b" {
		t.Errorf("the ServiceAccount's annotations: %v", m.account.Annotations)
	}
	for kind, name := range map[string]string{"ServiceAccount": m.account.Name, "ClusterRole": m.role.Name, "binding": m.binding.Name, "DaemonSet": m.daemonSet.Name} {
		if name != "edge-dispatcher" {
			t.Errorf("%s is named %s", kind, name)
		}
	}
	subject := rbacv1.Subject{Kind: "ServiceAccount", Name: "edge-dispatcher", Namespace: "routing"}
	if !slices.Equal(m.binding.Subjects, []rbacv1.Subject{subject}) || m.binding.RoleRef.Name != m.role.Name {
		t.Errorf("the binding gives %v to %v", m.binding.RoleRef, m.binding.Subjects)
	}
	if m.account.Namespace != "routing" || m.daemonSet.Namespace != "routing" || m.daemonSet.Spec.Selector.MatchLabels["app.kubernetes.io/instance"] != "edge" {
		t.Errorf("namespaces are %s and %s, Pods are known by %v", m.account.Namespace, m.daemonSet.Namespace, m.daemonSet.Spec.Selector)
	}
	m = chart(t, `{fullnameOverride: "1", priorityClassName: "2", tls: {secretName: "3", certificatesSizeLimit: 268435456}}`, "-release=4", "-namespace=5")
	if pod := m.daemonSet.Spec.Template.Spec; m.daemonSet.Namespace != "5" || pod.ServiceAccountName != "1" || pod.PriorityClassName != "2" || pod.Volumes[1].EmptyDir.SizeLimit.Value() != 256<<20 {
		t.Errorf("names that look like numbers: %s, %s, %s, %v", m.daemonSet.Namespace, pod.ServiceAccountName, pod.PriorityClassName, pod.Volumes[1])
	}
	m = chart(t, "{serviceAccount: {create: false, name: mine}, rbac: {create: false}}")
	if m.account != nil || m.role != nil || m.binding != nil || m.local != nil || m.localBinding != nil {
		t.Errorf("made all the same: %v %v %v %v %v", m.account, m.role, m.binding, m.local, m.localBinding)
	}
}

// DX17: what Dispatcher may read follows from the settings of all instances; for what
// Ingresses and overrides need see TestChartRules.
func TestChartRBAC(t *testing.T) {
	for values, want := range map[string]string{
		`settings: {API_KEY_SECRET_NAME: keys}`:                                                             "namespaces pods keys events",
		`instances: [{name: a, settings: {API_KEY_SECRET_NAME: zoo}}, {name: b, port: 81}]`:                 "namespaces pods routing zoo events",
		`instances: [{name: a, settings: {API_KEY_SECRET_NAME: routing}}, {name: b, port: 81}]`:             "namespaces pods routing events",
		`{settings: {API_KEY_SECRET_NAME: a}, instances: [{name: b, settings: {API_KEY_SECRET_NAME: ""}}]}`: "namespaces pods routing events",
		`settings: {EVENTS: false}`:   "namespaces pods routing",
		`settings: {EVENTS: "false"}`: "namespaces pods routing",
		`{settings: {EVENTS: false}, instances: [{name: a, settings: {EVENTS: true}}, {name: b, port: 81}]}`: "namespaces pods routing events",
		`instances: [{name: a, settings: {EVENTS: false}}]`:                                                  "namespaces pods routing",
	} {
		var got []string
		for _, r := range chart(t, values).role.Rules {
			if slices.Contains(r.Resources, "secrets") {
				if len(r.ResourceNames) == 0 {
					t.Fatalf("%s: all Secrets may be read", values)
				}
				got = append(got, r.ResourceNames...)
			} else if slices.Contains(r.Resources, "namespaces") || slices.Contains(r.Resources, "events") {
				got = append(got, r.Resources...)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: rules for %s, want %s", values, text, want)
		}
	}
}

// Pods get more time to end than any instance may take.
func TestChartGracePeriod(t *testing.T) {
	for grace, want := range map[string]int64{"0s": 15, "1500ms": 16, "30s": 45, "90s": 105, "1h30m": 5415, "24h": 86415, "": 45} {
		values := fmt.Sprintf("instances: [{name: a, settings: {SHUTDOWN_GRACE: 0s}}, {name: b, port: 81, settings: {SHUTDOWN_GRACE: %q}}]", grace)
		d := chart(t, values).daemonSet
		got := *d.Spec.Template.Spec.TerminationGracePeriodSeconds
		if longest := load(t, d.Spec.Template.Spec.Containers[1]).ShutdownGrace; got != want || time.Duration(got)*time.Second <= longest {
			t.Errorf("SHUTDOWN_GRACE %q: killed after %ds, want %d", grace, got, want)
		}
	}
}

// What is wrong is refused when it is installed, by both Helms, with a message
// that names it and, where the chart makes it, says what to do.
func TestChartRefusals(t *testing.T) {
	for values, want := range map[string]string{
		`replicas: 3`:                                                            `additional properties 'replicas' not allowed`,
		`image: {name: x}`:                                                       `at '/image': additional properties 'name' not allowed`,
		`settings: {EVENT_WINDO: 2s}`:                                            `at '/settings': additional properties 'EVENT_WINDO' not allowed`,
		`instances: [{name: a, settings: {event: 1}}]`:                           `at '/instances/0/settings': additional properties 'event' not allowed`,
		`instances: [{name: a, hostport: 80}]`:                                   `at '/instances/0': additional properties 'hostport' not allowed`,
		`settings: {EVENT_WINDOW: 2}`:                                            `at '/settings/EVENT_WINDOW': got number, want string`,
		`settings: {SHUTDOWN_GRACE: 30}`:                                         `at '/settings/SHUTDOWN_GRACE': got number, want string`,
		`settings: {SHUTDOWN_GRACE: 3 minutes}`:                                  `at '/settings/SHUTDOWN_GRACE': '3 minutes' does not match`,
		`settings: {LOG_LEVEL: verbose}`:                                         `at '/settings/LOG_LEVEL': value must be one of`,
		`settings: {EVENTS: maybe}`:                                              `at '/settings/EVENTS': value must be one of`,
		`settings: {NGINX_VERSION: 1.30}`:                                        `at '/settings/NGINX_VERSION': got number, want string`,
		`settings: {WORKER_OPEN_FILES: 2.5}`:                                     `at '/settings/WORKER_OPEN_FILES'`,
		`settings: {HOSTS_ANNOTATION: [a]}`:                                      `at '/settings/HOSTS_ANNOTATION': got array, want string`,
		`settings: {MODE: mock}`:                                                 `settings: the chart sets MODE: use sidecar`,
		`settings: {PORT: 8080}`:                                                 `settings: the chart sets PORT: use port of the instance`,
		`settings: {SSL_PORT: 8443}`:                                             `settings: the chart sets SSL_PORT: use tlsPort of the instance`,
		`settings: {ADMIN_ADDR: ":1"}`:                                           `settings: the chart sets ADMIN_ADDR: use adminPort of the instance`,
		`settings: {SSL_CERT: /a}`:                                               `settings: the chart sets SSL_CERT: use tls.secretName`,
		`settings: {SSL_KEY: /a}`:                                                `settings: the chart sets SSL_KEY: use tls.secretName`,
		`settings: {SSL_CERT_DIR: /a}`:                                           `settings: the chart sets SSL_CERT_DIR: leave it out`,
		`instances: [{name: a, settings: {WORK_DIR: /a}}]`:                       `settings: the chart sets WORK_DIR: leave it out`,
		`instances: []`:                                                          `at '/instances': minItems: got 0, want 1`,
		`instances: null`:                                                        `missing property 'instances'`,
		`instances: [{port: 80}]`:                                                `at '/instances/0': missing property 'name'`,
		`instances: [{name: A_b}]`:                                               `at '/instances/0/name': 'A_b' does not match`,
		`instances: [{name: a, port: 0}]`:                                        `at '/instances/0/port': minimum: got 0, want 1`,
		`instances: [{name: a, port: "80"}]`:                                     `at '/instances/0/port': got string, want integer`,
		`instances: [{name: abcdefghij}]`:                                        `the name abcdefghij is too long: give it at most 9 characters`,
		`instances: [{name: a}, {name: a, port: 81}]`:                            `two are named a: give each a name of its own`,
		`instances: [{name: a}, {name: b}]`:                                      `the port 80 is taken twice, by a and b`,
		`instances: [{name: a}, {name: b, port: 9254}]`:                          `the port 9254 is taken twice, by a and b`,
		`instances: [{name: a, port: 9254}]`:                                     `the port 9254 is taken twice, by a and a`,
		`instances: [{name: a, port: 443}]`:                                      `a has the port 443 both for HTTP and for TLS`,
		`{tls: {secretName: x}, instances: [{name: a}, {name: b, port: 81}]}`:    `the port 443 is taken twice, by a and b`,
		`{scrapeAnnotations: true, instances: [{name: a}, {name: b, port: 81}]}`: `scrapeAnnotations: annotations name one port, and there are several instances`,
		`serviceAccount: {create: false}`:                                        `serviceAccount.name: with serviceAccount.create=false, name the ServiceAccount`,
		`maxUnavailable: 0`:                                                      `at '/maxUnavailable': minimum: got 0, want 1`,
		`image: {digest: latest}`:                                                `at '/image/digest': 'latest' does not match`,
		`image: {pullPolicy: Sometimes}`:                                         `at '/image/pullPolicy': value must be one of`,
		`sidecar: "yes"`:                                                         `at '/sidecar': got string, want boolean`,
	} {
		for _, version := range []int{3, 4} {
			if _, err := run(t, version, values); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Helm %d, %s:\n got %v\nwant %s", version, values, err, want)
			}
		}
	}
	if _, err := run(t, 4, "", "-kubernetes=1.24.17"); err == nil || !strings.Contains(err.Error(), ">=1.25") {
		t.Errorf("a cluster that is too old: %v", err)
	}
}

// Helm tells what to do next, for what has been installed.
func TestChartNotes(t *testing.T) {
	for values, want := range map[string][]string{
		"": {
			"kubectl label namespace routing pod-security.kubernetes.io/enforce=privileged", "rollout status daemonset/edge-dispatcher --namespace=routing",
			"--container=dispatcher ", "http://NODE:80/dispatcher/status", "github.com/30x.dispatcher.hosts=", "!create secret",
		},
		example(t, "tls"): {"kubectl create secret tls dispatcher-default-tls --cert=FILE --key=FILE --namespace=routing"},
		example(t, "public-private"): {
			"--container=dispatcher-public ", "--container=dispatcher-private ", "http://NODE:81/", "github.com/30x.dispatcher.hosts.public=", "github.com/30x.dispatcher.paths.public=",
		},
		`instances: [{name: a, hostPorts: false, settings: {ROUTABLE_LABEL_SELECTOR: a in (b)}}]`: {"!pod-security", "!curl", "a in (b)", "!routable=true"},
		`settings: {NGINX_STATUS_PATH: /up}`:                                                      {"http://NODE:80/up"},
	} {
		out, err := run(t, 4, values, "-notes", "-release=edge", "-namespace=routing")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if rest, unwanted := strings.CutPrefix(text, "!"); strings.Contains(out, rest) == unwanted {
				t.Errorf("%s\nwith or without %q:\n%s", values, text, out)
			}
		}
	}
}
