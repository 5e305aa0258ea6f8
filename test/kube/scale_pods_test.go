package kube

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const scalePort = 8080

// scalePaths is the annotation of a Pod that has this weight.
func scalePaths(weight int) string {
	return toJSON([]map[string]any{{"basePath": "/app", "containerPort": scalePort, "weight": weight}})
}

// scalePod is the nth Pod, about as large as Pods in production are, and what a
// kubelet says of it. The API server adds the managed fields of both.
func scalePod(n int) (*corev1.Pod, corev1.PodStatus) {
	namespace := nthNamespace(n / podsEach)
	replicaSet := "web-" + namespace[len(namespace)-4:] + "d4f8c7b9"
	yes, no, grace := true, false, int64(30)
	probe := func(path string) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(scalePort)}},
			PeriodSeconds: 5,
		}
	}
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:    namespace,
			Name:         fmt.Sprintf("%s-%05d", replicaSet, n),
			GenerateName: replicaSet + "-",
			Labels: map[string]string{
				routable: "true", "github.com/30x.dispatcher.app.name": "web", "github.com/30x.dispatcher.app.rev": "1",
				"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": namespace, "app.kubernetes.io/managed-by": "Helm", "pod-template-hash": "5d4f8c7b9",
			},
			Annotations: map[string]string{
				pathsKey:                            scalePaths(1),
				"kubectl.kubernetes.io/restartedAt": "2025-01-01T00:00:00Z",
				"prometheus.io/scrape":              "true", "prometheus.io/port": "9090", "prometheus.io/path": "/metrics",
				"checksum/config": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: replicaSet, UID: types.UID("8f0c9c4a-6c1d-4b0e-9c51-" + fmt.Sprintf("%012d", n/podsEach)), Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Spec: corev1.PodSpec{
			NodeName: nodeName, EnableServiceLinks: &no, TerminationGracePeriodSeconds: &grace,
			Containers: []corev1.Container{
				scaleContainer("web", scalePort, probe("/ready"), probe("/live")),
				scaleContainer("telemetry", 9090, nil, nil),
			},
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "web-config"}}}},
				{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
					{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
				}}}},
			},
			Tolerations: []corev1.Toleration{
				{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute},
				{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute},
			},
		},
	}
	return p, scaleStatus(n, p.Spec.Containers)
}

func scaleContainer(name string, port int32, readiness, liveness *corev1.Probe) corev1.Container {
	c := corev1.Container{
		Name: name, Image: "registry.example.com/acme/" + name + ":1.27.4", ReadinessProbe: readiness, LivenessProbe: liveness,
		Ports: []corev1.ContainerPort{{Name: "http-" + name[:3], ContainerPort: port}},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "config", MountPath: "/etc/" + name, ReadOnly: true},
			{Name: "tmp", MountPath: "/tmp"},
			{Name: "token", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true},
		},
		Env: []corev1.EnvVar{{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}},
	}
	for _, variable := range []string{"DATABASE_URL", "LOG_LEVEL"} {
		c.Env = append(c.Env, corev1.EnvVar{Name: variable, Value: "value-of-" + variable})
	}
	return c
}

func scaleStatus(n int, containers []corev1.Container) corev1.PodStatus {
	since := metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	ip := fmt.Sprintf("10.%d.%d.%d", 1+n>>16, n>>8&255, n&255)
	s := corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, HostIP: "192.168.0.7",
		HostIPs: []corev1.HostIP{{IP: "192.168.0.7"}}, StartTime: &since, QOSClass: corev1.PodQOSBurstable,
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: since})
	}
	for _, c := range containers {
		hash := fmt.Sprintf("%064x", 1_000_003*n+len(c.Name))
		s.ContainerStatuses = append(s.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image + "@sha256:" + hash, ContainerID: "containerd://" + hash, Ready: true,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: since}},
		})
	}
	return s
}
