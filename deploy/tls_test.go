package deploy_test

import (
	"path"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// DF21, DF22, DF24: the overlay turns TLS on with a certificate of the operator's, which the
// Pod's user may read and not change; the keys of hosts never reach a disk.
func TestTLS(t *testing.T) {
	base, overlay := build(t, "base"), build(t, "overlays/tls")
	pod := overlay.daemonSet.Spec.Template.Spec
	cfg := load(t, pod.Containers[0])
	if cfg.Port != 80 || cfg.SSLPort != 443 {
		t.Errorf("ports are %d and %d, want 80 and 443", cfg.Port, cfg.SSLPort)
	}
	mounted := func(folder string) *corev1.Volume {
		i := slices.IndexFunc(pod.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == folder && m.SubPath == "" })
		if i < 0 {
			t.Fatalf("no volume is mounted at %s", folder)
		}
		name := pod.Containers[0].VolumeMounts[i].Name
		return &pod.Volumes[slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == name })]
	}

	// What kubectl create secret tls makes has these two fields.
	folder := path.Dir(cfg.SSLCert)
	if cfg.SSLCert != path.Join(folder, corev1.TLSCertKey) || cfg.SSLKey != path.Join(folder, corev1.TLSPrivateKeyKey) {
		t.Errorf("the default certificate is %s with %s: no fields of a Secret for TLS", cfg.SSLCert, cfg.SSLKey)
	}
	secret := mounted(folder).Secret
	if secret == nil || secret.SecretName != "dispatcher-default-tls" || secret.Optional != nil || *secret.DefaultMode != 0o440 || pod.SecurityContext.FSGroup == nil {
		t.Errorf("the default certificate comes from %v, or the Pod's user can't read it", secret)
	}
	if keys := mounted(cfg.SSLCertDir).EmptyDir; keys == nil || keys.Medium != corev1.StorageMediumMemory || keys.SizeLimit == nil {
		t.Errorf("the keys of hosts are in %v, want a limited part of the memory", keys)
	}

	if !reflect.DeepEqual(overlay.role, base.role) {
		t.Errorf("rules:\n got %v\nwant %v", overlay.role.Rules, base.role.Rules)
	}
}
