package ingressstatus

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/cluster/object"
)

// status is what an Ingress says of where it is reached.
type status = []networkingv1.IngressLoadBalancerIngress

// wanted is what the newest Report asks for. It is never changed.
type wanted struct {
	ingresses []*cluster.Ingress // of our class
	addresses []string

	ours    map[cluster.Ref]*cluster.Ingress
	classes map[string]bool // of those
	status  status          // of all of them; empty: none is known
}

func newWanted(ingresses []*cluster.Ingress, addresses []string) *wanted {
	w := &wanted{
		ingresses: ingresses, addresses: addresses,
		ours: make(map[cluster.Ref]*cluster.Ingress, len(ingresses)), classes: map[string]bool{},
		status: statusOf(addresses),
	}
	for _, i := range ingresses {
		w.ours[i.Ref], w.classes[i.Class] = i, true
	}
	return w
}

// same reports whether two are the same object, and of the same class. Either may be nil.
func same(a, b *cluster.Ingress) bool {
	return a == b || a != nil && b != nil && a.Ref == b.Ref && a.UID == b.UID && a.Class == b.Class
}

// statusOf gives each address once, in an order that depends on nothing else.
func statusOf(addresses []string) (out status) {
	texts := make([]string, 0, len(addresses))
	ips := map[string]bool{}
	for _, text := range addresses {
		if ip, err := netip.ParseAddr(text); err == nil {
			text = ip.Unmap().String()
			ips[text] = true
		} else {
			text = strings.ToLower(strings.TrimSuffix(text, "."))
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	for _, text := range slices.Compact(texts) {
		if ips[text] {
			out = append(out, networkingv1.IngressLoadBalancerIngress{IP: text})
		} else {
			out = append(out, networkingv1.IngressLoadBalancerIngress{Hostname: text})
		}
	}
	return out
}

// judge says which status an Ingress should have, and whether it has another one.
//
// The Report may be older than the Ingress. One that has another class since, or has
// been made anew, is left alone: the Report that tells of it is on its way.
func (w *wanted) judge(o *networkingv1.Ingress, manager string) (ref cluster.Ref, should status, differs bool) {
	cut, err := object.NewIngress(o, none)
	if err != nil {
		return ref, nil, false // it has not come from an API server
	}
	has := o.Status.LoadBalancer.Ingress
	switch ours := w.ours[cut.Ref]; {
	case same(ours, cut) && len(w.status) > 0:
		return cut.Ref, w.status, !equality.Semantic.DeepEqual(has, w.status)
	case ours == nil && !w.classes[cut.Class] && len(has) > 0 && wroteStatus(o, manager):
		return cut.Ref, nil, true
	}
	return cut.Ref, has, false
}

// none keeps no annotation.
func none(map[string]string) map[string]string { return nil }

// owned is the part of managedFields that tells of the value we write. The API server
// keeps account of it as a whole (listType=atomic), so that who changes anything in it
// is its manager from then on.
type owned struct {
	Status struct {
		LoadBalancer struct {
			Ingress *struct{} `json:"f:ingress"`
		} `json:"f:loadBalancer"`
	} `json:"f:status"`
}

// wroteStatus reports whether the Ingress's addresses are what the manager, and nobody
// after it, has written. The Ingress itself says so, whichever replica wrote it and
// however long ago.
func wroteStatus(o *networkingv1.Ingress, manager string) bool {
	wrote := false
	for _, entry := range o.ManagedFields {
		var fields owned
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil || fields.Status.LoadBalancer.Ingress == nil {
			continue
		}
		if entry.Manager != manager {
			return false
		}
		wrote = true
	}
	return wrote
}
