// Package deploy_test checks the Kubernetes manifests against the program that
// they run. Kustomizations enter; they must decode strictly, name settings that
// exist, and agree with themselves. Nothing is sent to a cluster.
package deploy_test

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/30x/dispatcher/pkg/config"
)

// manifests is what a kustomization deploys: one of each, and IngressClasses.
type manifests struct {
	namespace    *corev1.Namespace
	account      *corev1.ServiceAccount
	role         *rbacv1.ClusterRole
	binding      *rbacv1.ClusterRoleBinding
	local        *rbacv1.Role // in its own namespace
	localBinding *rbacv1.RoleBinding
	classes      map[string]*networkingv1.IngressClass
	daemonSet    *appsv1.DaemonSet
}

// add takes in an object; it reports whether it was expected.
func (m *manifests) add(object any) bool {
	switch o := object.(type) {
	case *corev1.Namespace:
		m.namespace = o
	case *corev1.ServiceAccount:
		m.account = o
	case *rbacv1.ClusterRole:
		m.role = o
	case *rbacv1.ClusterRoleBinding:
		m.binding = o
	case *rbacv1.Role:
		m.local = o
	case *rbacv1.RoleBinding:
		m.localBinding = o
	case *networkingv1.IngressClass:
		if m.classes == nil {
			m.classes = map[string]*networkingv1.IngressClass{}
		}
		m.classes[o.Name] = o
	case *appsv1.DaemonSet:
		m.daemonSet = o
	default:
		return false
	}
	return true
}

// build renders the kustomization in a folder; a field that Kubernetes doesn't
// know, or an object that nobody expects, fails the test.
func build(t *testing.T, folder string) manifests {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var m manifests
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := strict.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%s %s: %v", r.GetKind(), r.GetName(), err)
		}
		if !m.add(object) {
			t.Fatalf("%s %s: nobody expects it", r.GetKind(), r.GetName())
		}
	}
	if len(resources.Resources()) != 7+len(m.classes) || m.namespace == nil || m.account == nil || m.role == nil || m.binding == nil ||
		m.local == nil || m.localBinding == nil || len(m.classes) == 0 || m.daemonSet == nil {
		t.Fatalf("want one object of each of seven kinds and IngressClasses, got %d", len(resources.Resources()))
	}
	return m
}

// load reads a container's settings the way the program will, so that every
// value is valid and every default known. The files of the default certificate
// are in a volume, so this test's own file stands in for them.
func load(t *testing.T, c corev1.Container) *config.Config {
	t.Helper()
	var environ []string
	given := map[string]string{}
	for _, e := range c.Env {
		if e.ValueFrom != nil {
			continue
		}
		if e.Name == "SSL_CERT" || e.Name == "SSL_KEY" {
			given[e.Name], e.Value = e.Value, "deploy_test.go"
		}
		environ = append(environ, e.Name+"="+e.Value)
	}
	cfg, err := config.Load([]string{"run"}, environ)
	if err != nil {
		t.Fatalf("container %s: %v", c.Name, err)
	}
	cfg.SSLCert, cfg.SSLKey = given["SSL_CERT"], given["SSL_KEY"]
	return cfg
}

// each runs a test on every kustomization.
func each(t *testing.T, test func(*testing.T, manifests)) {
	for _, folder := range []string{"base", "overlays/public-private", "overlays/tls", "overlays/ingress-tls"} {
		t.Run(filepath.Base(folder), func(t *testing.T) { test(t, build(t, folder)) })
	}
}

// DF24: a misspelt setting would silently be none.
func TestSettingsExist(t *testing.T) {
	var table bytes.Buffer
	if err := config.WriteMarkdown(&table); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, m manifests) {
		for _, c := range m.daemonSet.Spec.Template.Spec.Containers {
			for _, e := range c.Env {
				if e.ValueFrom != nil { // POD_NAME, POD_NAMESPACE: information, not settings
					continue
				}
				word := regexp.MustCompile(`\b` + regexp.QuoteMeta(e.Name) + `\b`)
				if !word.Match(table.Bytes()) {
					t.Errorf("container %s: %s is not a setting", c.Name, e.Name)
				}
			}
		}
	})
}

func TestPorts(t *testing.T) {
	each(t, func(t *testing.T, m manifests) {
		owner := map[int32]string{} // containers of a Pod share its ports
		for _, c := range m.daemonSet.Spec.Template.Spec.Containers {
			cfg := load(t, c)
			host, text, err := net.SplitHostPort(cfg.AdminAddr)
			if err != nil {
				t.Fatal(err)
			}
			admin, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			if host != "" {
				t.Errorf("container %s: the kubelet can't reach probes on %s", c.Name, cfg.AdminAddr)
			}
			ports := map[int32]int32{} // container port → host port
			for _, p := range c.Ports {
				ports[p.ContainerPort] = p.HostPort
				if other, taken := owner[p.ContainerPort]; taken {
					t.Errorf("containers %s and %s both listen on %d", other, c.Name, p.ContainerPort)
				}
				owner[p.ContainerPort] = c.Name
			}
			want := map[int32]int32{int32(cfg.Port): int32(cfg.Port), int32(admin): 0}
			if cfg.SSLCert != "" {
				want[int32(cfg.SSLPort)] = int32(cfg.SSLPort)
			}
			if !maps.Equal(ports, want) {
				t.Errorf("container %s: ports (container:host) are %v, its settings want %v", c.Name, ports, want)
			}
			checkProbe(t, c, "liveness", c.LivenessProbe, "/healthz", admin)
			checkProbe(t, c, "readiness", c.ReadinessProbe, "/readyz", admin)
		}
	})
}

func checkProbe(t *testing.T, c corev1.Container, kind string, p *corev1.Probe, path string, admin int) {
	t.Helper()
	if p == nil || p.HTTPGet == nil {
		t.Errorf("container %s: no %s probe over HTTP", c.Name, kind)
		return
	}
	port := p.HTTPGet.Port.IntValue()
	for _, named := range c.Ports {
		if named.Name == p.HTTPGet.Port.StrVal {
			port = int(named.ContainerPort)
		}
	}
	if p.HTTPGet.Path != path || port != admin {
		t.Errorf("container %s: %s probe asks %d%s, want %d%s", c.Name, kind, port, p.HTTPGet.Path, admin, path)
	}
}

// The root filesystem is read-only and the user nobody in particular: only
// volumes of the container's own can be written to.
func TestHardening(t *testing.T) {
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, m manifests) {
		pod := m.daemonSet.Spec.Template.Spec
		user := fmt.Sprintf("USER %d:%d", *pod.SecurityContext.RunAsUser, *pod.SecurityContext.RunAsGroup)
		if !slices.Contains(strings.Split(string(dockerfile), "\n"), user) || !*pod.SecurityContext.RunAsNonRoot {
			t.Errorf("Pods run as %s, unlike the image", user)
		}
		if pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Error("no seccomp profile")
		}
		writable := map[string]bool{} // empty directories that nobody has mounted yet
		for _, v := range pod.Volumes {
			writable[v.Name] = v.EmptyDir != nil
		}
		for _, c := range pod.Containers {
			s := c.SecurityContext
			if !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || s.Privileged != nil ||
				!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
				!slices.Equal(s.Capabilities.Add, []corev1.Capability{"NET_BIND_SERVICE"}) {
				t.Errorf("container %s may do more than it needs: %v", c.Name, s)
			}
			cfg := load(t, c)
			want := []string{cfg.WorkDir}
			if cfg.SSLCert != "" {
				want = append(want, cfg.SSLCertDir)
			}
			var got []string
			for _, mount := range c.VolumeMounts {
				if mount.ReadOnly {
					continue
				}
				got = append(got, mount.MountPath)
				if !writable[mount.Name] {
					t.Errorf("container %s: %s is not writable, or not its own", c.Name, mount.MountPath)
				}
				writable[mount.Name] = false
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("container %s: may write to %v, want %v", c.Name, got, want)
			}
			grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
			if grace <= cfg.ShutdownGrace {
				t.Errorf("container %s: killed after %s, while it may take %s to end", c.Name, grace, cfg.ShutdownGrace)
			}
		}
	})
}

// DF25: the pair differs in annotations, key field and port, and in nothing
// that decides about routing otherwise.
func TestPublicPrivatePair(t *testing.T) {
	pod := build(t, "overlays/public-private").daemonSet.Spec.Template.Spec
	if len(pod.Containers) != 2 {
		t.Fatalf("want two containers, got %d", len(pod.Containers))
	}
	for i, want := range []struct {
		kind  string
		port  int
		class string
	}{{"public", 80, "dispatcher"}, {"private", 81, "dispatcher-private"}} {
		c := pod.Containers[i]
		cfg := load(t, c)
		got := []any{c.Name, cfg.HostsAnnotation, cfg.PathsAnnotation, cfg.APIKeySecretField, cfg.Port, cfg.Selector.String(), cfg.IngressClass, cfg.IngressController}
		all := []any{
			"dispatcher-" + want.kind, "github.com/30x.dispatcher.hosts." + want.kind,
			"github.com/30x.dispatcher.paths." + want.kind, want.kind + "-api-key", want.port,
			"github.com/30x.dispatcher.routable=true", want.class, "github.com/30x/" + want.class,
		}
		if !slices.Equal(got, all) {
			t.Errorf("%s router:\n got %v\nwant %v", want.kind, got, all)
		}
	}
}
