package manifest

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// endpoints adds the EndpointSlices of the Services that select Pods, as a cluster
// would; not of those whose endpoints are in the input.
func endpoints(items []item) []item {
	given := map[id]bool{} // EndpointSlices, and Services that have endpoints
	pods := map[string][]*corev1.Pod{}
	for _, i := range items {
		switch o := i.object.(type) {
		case *discoveryv1.EndpointSlice:
			given[i.id] = true
			given[id{"Service", i.namespace, o.Labels[discoveryv1.LabelServiceName]}] = true
		case *corev1.Endpoints: //nolint:staticcheck // deprecated, yet people have it in git
			given[id{"Service", i.namespace, i.name}] = true
		case *corev1.Pod:
			if o.Status.PodIP != "" && o.Status.Phase != corev1.PodSucceeded && o.Status.Phase != corev1.PodFailed {
				pods[i.namespace] = append(pods[i.namespace], o)
			}
		}
	}
	out := items
	for _, i := range items {
		service, ok := i.object.(*corev1.Service)
		if !ok || len(service.Spec.Selector) == 0 || service.Spec.Type == corev1.ServiceTypeExternalName || given[i.id] {
			continue
		}
		n := 0
		for _, s := range slicesOf(service, pods[i.namespace]) {
			at := id{"EndpointSlice", i.namespace, ""}
			for at.name == "" || given[at] {
				at.name = fmt.Sprintf("%s-%d", i.name, n)
				n++
			}
			s.Name = at.name
			out = append(out, item{at, i.where, s})
		}
	}
	return out
}

// slicesOf makes a slice for all Pods in which the Service's ports are the same.
func slicesOf(service *corev1.Service, pods []*corev1.Pod) (out []*discoveryv1.EndpointSlice) {
	selector := labels.SelectorFromSet(service.Spec.Selector)
	byPorts := map[string]*discoveryv1.EndpointSlice{}
	for _, pod := range pods {
		if !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		family := discoveryv1.AddressTypeIPv4
		if strings.Contains(pod.Status.PodIP, ":") {
			family = discoveryv1.AddressTypeIPv6
		}
		ports, key := []discoveryv1.EndpointPort(nil), string(family)
		for _, p := range service.Spec.Ports {
			if number := targetPort(p, pod); number != 0 {
				ports = append(ports, discoveryv1.EndpointPort{Name: new(p.Name), Port: new(number), Protocol: new(p.Protocol)})
				key += fmt.Sprintf(" %q %d", p.Name, number)
			}
		}
		s := byPorts[key]
		if s == nil {
			s = &discoveryv1.EndpointSlice{
				ObjectMeta:  metav1.ObjectMeta{Namespace: service.Namespace, Labels: map[string]string{discoveryv1.LabelServiceName: service.Name}},
				AddressType: family, Ports: ports,
			}
			byPorts[key], out = s, append(out, s)
		}
		ready := service.Spec.PublishNotReadyAddresses || pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{pod.Status.PodIP},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Terminating: new(pod.DeletionTimestamp != nil)},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
		})
	}
	return out
}

// targetPort is the Pod's port behind a Service's; 0 if the Pod has none of that name.
func targetPort(p corev1.ServicePort, pod *corev1.Pod) int32 {
	switch {
	case p.TargetPort.StrVal == "" && p.TargetPort.IntVal == 0:
		return p.Port
	case p.TargetPort.StrVal == "":
		return p.TargetPort.IntVal
	}
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		for _, port := range c.Ports {
			if port.Name == p.TargetPort.StrVal && protocol(port.Protocol) == protocol(p.Protocol) {
				return port.ContainerPort
			}
		}
	}
	return 0
}

func protocol(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}
