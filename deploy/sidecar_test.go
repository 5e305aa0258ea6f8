package deploy_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/pkg/config"
)

const tokenFolder = "/var/run/secrets/kubernetes.io/serviceaccount" // where client-go looks

// The two containers of an instance share a folder and nothing else: only the
// controller has a token, only nginx faces clients, and neither is the other's
// user.
func TestSidecar(t *testing.T) {
	const pair = "{sidecar: true, tls: {secretName: cert}, instances: [{name: public}, {name: private, port: 81, tlsPort: 444}]}"
	for name, of := range map[string]struct {
		pod       corev1.PodSpec
		instances int
		tls       bool
	}{
		"overlay":                  {build(t, "overlays/sidecar").daemonSet.Spec.Template.Spec, 1, false},
		"chart":                    {chart(t, "sidecar: true").daemonSet.Spec.Template.Spec, 1, false},
		"chart, tls, two routers":  {chart(t, pair).daemonSet.Spec.Template.Spec, 2, true},
		"chart, tls, no host port": {chart(t, "{sidecar: true, tls: {secretName: cert}, instances: [{name: a, hostPorts: false}]}").daemonSet.Spec.Template.Spec, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			pod := of.pod
			if *pod.AutomountServiceAccountToken {
				t.Error("every container gets a token")
			}
			if !*pod.ShareProcessNamespace || pod.HostPID || pod.HostNetwork {
				t.Error("its processes or its network are not the Pod's alone")
			}
			if s := pod.SecurityContext; *s.FSGroup != 101 || !*s.RunAsNonRoot || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("the Pod's security context: %v", s)
			}
			if len(pod.Containers) != 2*of.instances {
				t.Fatalf("%d containers for %d instances", len(pod.Containers), of.instances)
			}
			owner := map[string]string{} // of each volume that can be written to
			for i := 0; i < len(pod.Containers); i += 2 {
				controller, nginx := pod.Containers[i], pod.Containers[i+1]
				if controller.Image != nginx.Image || !slices.Equal(controller.Args, []string{"run"}) || !slices.Equal(nginx.Args, []string{"nginx"}) {
					t.Errorf("they run %s %v and %s %v", controller.Image, controller.Args, nginx.Image, nginx.Args)
				}
				confined(t, controller, 10001)
				confined(t, nginx, 101, "NET_BIND_SERVICE")

				cfg := load(t, controller)
				if cfg.Mode != config.ModeSidecar {
					t.Errorf("container %s: mode %s", controller.Name, cfg.Mode)
				}
				var environ []string
				for _, e := range nginx.Env {
					environ = append(environ, e.Name+"="+e.Value)
				}
				its, err := config.Load([]string{config.CommandNginx}, environ)
				if err != nil {
					t.Fatal(err)
				}
				if its.WorkDir != cfg.WorkDir || its.SSLCertDir != cfg.SSLCertDir || its.ShutdownGrace != cfg.ShutdownGrace || its.NginxBinary != cfg.NginxBinary {
					t.Errorf("%s and %s are told different things", controller.Name, nginx.Name)
				}
				mounts(t, pod, controller, of.tls, map[string]string{cfg.WorkDir: "shared", tokenFolder: "token", "/etc/dispatcher/default-tls": "certificate"})
				mounts(t, pod, nginx, of.tls, map[string]string{cfg.WorkDir: "shared", cfg.SSLCertDir: "memory"})
				for _, c := range []corev1.Container{controller, nginx} {
					for _, m := range c.VolumeMounts {
						if other, taken := owner[m.Name]; taken && other != nginx.Name {
							t.Errorf("%s and %s both may write to %s", other, c.Name, m.Name)
						}
						if !m.ReadOnly {
							owner[m.Name] = nginx.Name
						}
					}
				}
				want := []int32{int32(cfg.Port)}
				if of.tls {
					want = append(want, int32(cfg.SSLPort))
				}
				var got []int32
				for _, p := range nginx.Ports {
					got = append(got, p.ContainerPort)
				}
				if !slices.Equal(got, want) || nginx.LivenessProbe != nil || nginx.ReadinessProbe != nil {
					t.Errorf("container %s: ports %v, want %v, and no probe", nginx.Name, got, want)
				}
				if len(controller.Ports) != 1 || controller.Ports[0].HostPort != 0 {
					t.Errorf("container %s: ports %v", controller.Name, controller.Ports)
				}
				checkProbe(t, controller, "liveness", controller.LivenessProbe, "/healthz", 9254+i/2)
				checkProbe(t, controller, "readiness", controller.ReadinessProbe, "/readyz", 9254+i/2)
			}
		})
	}
}

// confined checks whom a container runs as, and that it has no capability but these.
func confined(t *testing.T, c corev1.Container, user int64, add ...corev1.Capability) {
	t.Helper()
	s := c.SecurityContext
	if *s.RunAsUser != user || *s.RunAsGroup != 101 || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || s.Privileged != nil ||
		!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || !slices.Equal(s.Capabilities.Add, add) {
		t.Errorf("container %s may do more than it needs: %+v", c.Name, s)
	}
}

// mounts checks what is mounted in a container: these folders, and nothing else.
// Without TLS there are no certificates.
func mounts(t *testing.T, pod corev1.PodSpec, c corev1.Container, tls bool, want map[string]string) {
	t.Helper()
	for folder, kind := range want {
		i := slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == folder })
		if i < 0 {
			if tls || kind == "shared" || kind == "token" {
				t.Errorf("container %s: nothing is mounted at %s", c.Name, folder)
			}
			continue
		}
		m := c.VolumeMounts[i]
		v := pod.Volumes[slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })]
		ok := false
		switch kind {
		case "shared":
			ok = v.EmptyDir != nil && v.EmptyDir.Medium == "" && !m.ReadOnly
		case "memory":
			ok = v.EmptyDir != nil && v.EmptyDir.Medium == corev1.StorageMediumMemory && v.EmptyDir.SizeLimit != nil && !m.ReadOnly
		case "certificate":
			ok = v.Secret != nil && *v.Secret.DefaultMode == 0o440 && m.ReadOnly
		case "token":
			ok = m.ReadOnly && v.Projected != nil && isToken(v.Projected)
		}
		if !ok || m.SubPath != "" {
			t.Errorf("container %s: %s is no %s: %+v of %+v", c.Name, folder, kind, m, v)
		}
	}
	for _, m := range c.VolumeMounts {
		if _, expected := want[m.MountPath]; !expected {
			t.Errorf("container %s: %s is mounted, and nobody expects it", c.Name, m.MountPath)
		}
	}
}

// isToken reports whether a volume is what Kubernetes would mount for a
// ServiceAccount, readable by the group only.
func isToken(p *corev1.ProjectedVolumeSource) bool {
	if *p.DefaultMode != 0o440 || len(p.Sources) != 3 {
		return false
	}
	token, ca, namespace := p.Sources[0].ServiceAccountToken, p.Sources[1].ConfigMap, p.Sources[2].DownwardAPI
	return token != nil && token.Path == "token" && *token.ExpirationSeconds == 3607 && token.Audience == "" &&
		ca != nil && ca.Name == "kube-root-ca.crt" && slices.Equal(ca.Items, []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}) &&
		namespace != nil && len(namespace.Items) == 1 && namespace.Items[0].Path == "namespace" && namespace.Items[0].FieldRef.FieldPath == "metadata.namespace"
}
