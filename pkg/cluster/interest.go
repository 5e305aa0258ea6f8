package cluster

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster/object"
)

// Interest says what is kept of the cluster, so that a change to anything else
// is no change.
type Interest struct {
	Annotations []string // of Namespaces and Pods
	Labels      []string // of Namespaces and Pods
	SecretName  string   // the one Secret of a Namespace that is read; "" for none

	Routable     labels.Selector // of Namespaces and Pods that are routed; nil: all are
	Microservice labels.Selector // of Pods of the dialect microservice; nil: none is kept
	// Services: Services, their EndpointSlices, Ingresses and IngressClasses are kept,
	// and of all Pods what says whether they serve.
	Services           bool
	Service            Ref        // one that matters although no Ingress names it; its zero value is none
	ServiceAnnotations []string   // of Services and Ingresses
	ServicePrefix      string     // other annotations of them that are kept begin with it; "" is none
	TLSSecrets         bool       // Secrets of type kubernetes.io/tls are kept
	Overrides          ConfigMaps // those that are kept, cut to what overrides need
	ConfigMap          Ref        // one that is kept whole; its zero value is none
}

func (in Interest) routable(o metav1.Object) bool {
	return in.Routable == nil || in.Routable.Matches(labels.Set(o.GetLabels()))
}

func (in Interest) microservice(o metav1.Object) bool {
	return in.Microservice != nil && in.Microservice.Matches(labels.Set(o.GetLabels()))
}

func (in Interest) ofServices(annotations map[string]string) map[string]string {
	return object.PickPrefixed(annotations, in.ServiceAnnotations, in.ServicePrefix)
}

// cutSecret leaves of a Secret that only Ingresses name what those need.
func (in Interest) cutSecret(o *corev1.Secret) *corev1.Secret {
	if o.Name == in.SecretName {
		return o
	}
	cut := *o
	cut.Data = map[string][]byte{}
	for _, field := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		if v, ok := o.Data[field]; ok {
			cut.Data[field] = v
		}
	}
	return &cut
}
