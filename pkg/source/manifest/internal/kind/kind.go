// Package kind knows the types of objects that routing reads. An apiVersion and a kind
// enter; an empty object leaves, or how the type is written. It never reads a manifest.
package kind

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// New makes an empty object of a type; nil for one that nobody here reads.
func New(apiVersion, kind string) metav1.Object {
	// Workloads of all versions there ever were are alike in what is read here.
	switch group, _, _ := strings.Cut(apiVersion, "/"); group {
	case "apps", "extensions":
		switch kind {
		case "Deployment":
			return &appsv1.Deployment{}
		case "StatefulSet":
			return &appsv1.StatefulSet{}
		case "ReplicaSet":
			return &appsv1.ReplicaSet{}
		case "DaemonSet":
			return &appsv1.DaemonSet{}
		}
	}
	switch apiVersion + " " + kind {
	case "v1 Namespace":
		return &corev1.Namespace{}
	case "v1 Pod":
		return &corev1.Pod{}
	case "v1 Secret":
		return &corev1.Secret{}
	case "v1 ConfigMap":
		return &corev1.ConfigMap{}
	case "v1 Service":
		return &corev1.Service{}
	case "v1 Endpoints":
		return &corev1.Endpoints{} //nolint:staticcheck // deprecated, yet people have it in git
	case "v1 ReplicationController":
		return &corev1.ReplicationController{}
	case "discovery.k8s.io/v1 EndpointSlice":
		return &discoveryv1.EndpointSlice{}
	case "networking.k8s.io/v1 Ingress":
		return &networkingv1.Ingress{}
	case "networking.k8s.io/v1 IngressClass":
		return &networkingv1.IngressClass{}
	}
	return nil
}

// Close tells of a type that nobody has but that is close to one of ours, and
// says how to write that: a missing apiVersion, another of Kubernetes' own, or
// the kind in another case. Types of other groups are somebody else's: both are "".
func Close(apiVersion, kind string) (version, right string) {
	switch group, _, found := strings.Cut(apiVersion, "/"); {
	case found && !slices.Contains([]string{"apps", "extensions", "core", "discovery.k8s.io", "networking.k8s.io"}, group):
		return "", ""
	case !found && apiVersion != "" && apiVersion != "v1":
		return "", ""
	}
	for _, version := range []string{"v1", "apps/v1", "discovery.k8s.io/v1", "networking.k8s.io/v1"} {
		for _, k := range []string{"Namespace", "Pod", "Secret", "ConfigMap", "Service", "Endpoints", "ReplicationController",
			"Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "EndpointSlice", "Ingress", "IngressClass"} {
			if strings.EqualFold(k, kind) && New(version, k) != nil {
				return version, k
			}
		}
	}
	return "", ""
}
