package config

import (
	"net/netip"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
)

func options(t *testing.T, environ ...string) route.Options {
	t.Helper()
	c, err := Load([]string{"run"}, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c.RouteOptions()
}

// PF12, PF13, PX17: the dialect microservice is read in all its generations, a port must
// be declared, and beside the dialect dispatcher a Namespace must have granted the host.
func TestMicroserviceOptions(t *testing.T) {
	t.Parallel()
	all := options(t, "DIALECTS=microservice").Microservice.Selector
	for text, want := range map[string]bool{"microservice=true": true, "routable=true": true, "microservice=yes": false, "other=true": false} {
		set, err := labels.ConvertSelectorToLabelsMap(text)
		if err != nil || all.Matches(set) != want {
			t.Errorf("%s matches %s: %t, %v", all, text, !want, err)
		}
	}
	want := &route.Microservice{Selector: all, HostsAnnotations: []string{"trafficHosts", "routingHosts"}, PathsAnnotations: []string{"publicPaths", "routingPaths"}}
	if o := options(t, "DIALECTS=dispatcher,microservice"); !o.Dispatcher || !reflect.DeepEqual(o.Microservice, want) {
		t.Errorf("both: %v, %+v", o.Dispatcher, o.Microservice)
	}
	if o := options(t); !o.Dispatcher || o.Microservice != nil {
		t.Errorf("dispatcher alone: %v, %+v", o.Dispatcher, o.Microservice)
	}
	if o := options(t, "DIALECTS=microservice", "MICROSERVICE_ANY_PORT=true"); o.Dispatcher || !o.Microservice.Open || !o.Microservice.AnyPort {
		t.Errorf("microservice alone: %v, %+v", o.Dispatcher, o.Microservice)
	}
	if o := options(t, "DIALECTS=microservice", "POD_HOSTS=granted"); o.Microservice.Open {
		t.Error("hosts are open although they must be granted")
	}
	if o := options(t, "DIALECTS=dispatcher,microservice", "POD_HOSTS=open"); !o.Microservice.Open {
		t.Error("hosts are not open as asked")
	}
}

// EX6: what Ingresses may reach is the operator's word.
func TestIngressOptions(t *testing.T) {
	t.Parallel()
	want := &route.Ingress{
		Class: "edge", Controller: "github.com/30x/dispatcher", Prefix: "e.com/",
		Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Deny: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")},
		ExternalNames: []string{"*.example.com"}, DefaultNamespace: "front",
	}
	o := options(t, "INGRESS_CLASS=edge", "OPTIONS_PREFIX=e.com/", "ENDPOINT_ALLOW=192.0.2.1/24", "ENDPOINT_DENY=192.0.2.7",
		"ALLOW_EXTERNAL_NAMES=*.Example.com", "DEFAULT_NAMESPACE=front", "OVERRIDES=a,*")
	if !reflect.DeepEqual(o.Ingress, want) || !reflect.DeepEqual(o.Overrides, cluster.ConfigMaps{"*"}) {
		t.Errorf("got %+v, %v", o.Ingress, o.Overrides)
	}
	if o := options(t, "INGRESS_CLASS=none", "OVERRIDES=none"); o.Ingress != nil || o.Overrides != nil {
		t.Errorf("none: %+v, %v", o.Ingress, o.Overrides)
	}
}
