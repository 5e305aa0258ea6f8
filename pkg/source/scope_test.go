package source

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

// DX17: what is watched, and by which selector, follows from the scope alone.
func TestScope(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scope Scope
		want  string // resource[@namespace]/labels/fields
	}{
		"one dialect": {narrow, "namespaces/routable=true/ pods/routable=true/ secrets//metadata.name=routing"},
		"all": {
			Scope{Secret: "routing", TLSSecrets: true, Services: true, Ingresses: true, StatefulSets: true, ConfigMaps: []string{"*", "x"}},
			"configmaps// endpointslices// ingressclasses// ingresses// namespaces// pods// " +
				"secrets//metadata.name!=routing,type=kubernetes.io/tls secrets//metadata.name=routing services// statefulsets//",
		},
		"ConfigMaps by name": {
			Scope{Pods: routable, ConfigMaps: []string{"moved", "pinned"}}, "configmaps//metadata.name=moved configmaps//metadata.name=pinned namespaces// pods/routable=true/",
		},
		"a whole one beside all": {
			Scope{Pods: routable, ConfigMaps: []string{"*"}, WholeMap: "list"}, "configmaps//metadata.name!=list configmaps//metadata.name=list namespaces// pods/routable=true/",
		},
		"a whole one alone": {Scope{Pods: routable, WholeMap: "list"}, "configmaps//metadata.name=list namespaces// pods/routable=true/"},
		"a whole one among others": {
			Scope{Pods: routable, ConfigMaps: []string{"list", "pinned"}, WholeMap: "list"}, "configmaps//metadata.name=list configmaps//metadata.name=pinned namespaces// pods/routable=true/",
		},
		"one namespace": {Scope{Namespace: "team", Services: true}, "endpointslices@team// pods@team// services@team//"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewClientset()
				var log logs
				r := start(t, NewKube(client, tc.scope, log.logger()).Run)
				r.next("synced")
				synctest.Wait()
				r.end()
				lists, watches := map[string]bool{}, map[string]bool{}
				for _, a := range client.Actions() {
					what := a.GetResource().Resource
					if a.GetNamespace() != "" {
						what += "@" + a.GetNamespace()
					}
					switch a := a.(type) {
					case ktesting.ListAction:
						lists[what+"/"+a.GetListRestrictions().Labels.String()+"/"+a.GetListRestrictions().Fields.String()] = true
					case ktesting.WatchAction:
						watches[what+"/"+a.GetWatchRestrictions().Labels.String()+"/"+a.GetWatchRestrictions().Fields.String()] = true
					}
				}
				for verb, got := range map[string]map[string]bool{"lists": lists, "watches": watches} {
					if text := strings.Join(slices.Sorted(maps.Keys(got)), " "); text != tc.want {
						t.Errorf("%s\n%s, want\n%s", verb, text, tc.want)
					}
				}
			})
		})
	}
}

// Each kind arrives, is changed and goes.
func TestScopeEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(name string) metav1.ObjectMeta {
			return metav1.ObjectMeta{Namespace: "team", Name: name, ResourceVersion: "1"}
		}
		client := fake.NewClientset(
			&corev1.Service{ObjectMeta: at("s")}, &discoveryv1.EndpointSlice{ObjectMeta: at("e")}, &networkingv1.Ingress{ObjectMeta: at("i")},
			&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, &corev1.ConfigMap{ObjectMeta: at("m")}, &appsv1.StatefulSet{ObjectMeta: at("w")},
		)
		var log logs
		r := start(t, NewKube(client, Scope{Services: true, Ingresses: true, StatefulSets: true, ConfigMaps: []string{"*"}}, log.logger()).Run)
		r.nextSorted("+ConfigMap/team/m", "+EndpointSlice/team/e", "+Ingress/team/i", "+IngressClass//c", "+Service/team/s", "+StatefulSet/team/w")
		r.next("synced")
		synctest.Wait()
		if err := client.NetworkingV1().Ingresses("team").Delete(t.Context(), "i", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		r.next("-Ingress/team/i")
		if _, err := client.CoreV1().ConfigMaps("team").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: at("late")}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		r.next("+ConfigMap/team/late")
		r.end()
	})
}

// Of the ConfigMaps of one name nothing is cut off, of all others what no override has;
// so it is when they change, too.
func TestWholeConfigMaps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		scope Scope
		want  int // bytes
	}{{Scope{WholeMap: "list"}, 1000}, {Scope{ConfigMaps: []string{"*"}}, 254}, {Scope{ConfigMaps: []string{"list"}}, 254}} {
		synctest.Test(t, func(t *testing.T) {
			list := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "list"}, Data: map[string]string{"a": strings.Repeat("x", 1000)}}
			client := fake.NewClientset(list)
			var log logs
			r := start(t, NewKube(client, tc.scope, log.logger()).Run)
			size := func() int {
				e := <-r.events
				return len(e.Object.(*corev1.ConfigMap).Data["a"])
			}
			if got := size(); got != tc.want {
				t.Errorf("%+v: %d bytes are kept, want %d", tc.scope, got, tc.want)
			}
			r.next("synced")
			synctest.Wait()
			changed := list.DeepCopy()
			changed.Data["b"] = "y"
			if _, err := client.CoreV1().ConfigMaps("edge").Update(t.Context(), changed, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := size(); got != tc.want {
				t.Errorf("%+v: %d bytes are kept of a change, want %d", tc.scope, got, tc.want)
			}
			r.end()
		})
	}
}

// Whoever may not read something is told which rule is missing, and in which file it is.
func TestForbiddenKinds(t *testing.T) {
	t.Parallel()
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "", nil)
	for _, tc := range []struct{ namespace, resource, what, todo string }{
		{"", "ingresses.networking.k8s.io", "forbids to list ingresses.networking.k8s.io in all namespaces", "apply deploy/base/rbac.yaml, or bind Dispatcher's account to a ClusterRole with this rule: list and watch on ingresses.networking.k8s.io"},
		{"", tlsSecrets, "forbids to list secrets of type kubernetes.io/tls", "apply deploy/overlays/ingress-tls, or bind Dispatcher's account to a ClusterRole with this rule: list and watch on secrets, since no rule can name their type; or unset INGRESS_TLS"},
		{"team", "services", "forbids to list services in the namespace team", "bind Dispatcher's account to a Role there with this rule: list and watch on services"},
	} {
		_, what, todo := newLink(tc.namespace, nil).explain("list", tc.resource, forbidden)
		if !strings.Contains(what, tc.what) || !strings.HasSuffix(todo, tc.todo) {
			t.Errorf("%s: %s; %s", tc.resource, what, todo)
		}
	}
}
