package ingressstatus_test

import (
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/ingressstatus"
)

// TestWhoseStatus: EF6. Ours say where they are reached; of the others only what a
// Dispatcher has written is taken back, whoever asks it to be.
func TestWhoseStatus(t *testing.T) {
	t.Parallel()
	const other = "198.51.100.1"
	anew := ingress("it", "public", other)
	anew.UID = "uid-of-another"
	annotated := ingress("it", "", other)
	annotated.Annotations = map[string]string{"kubernetes.io/ingress.class": "public"}
	stripped := ingress("it", "nginx", address)
	stripped.ManagedFields = []metav1.ManagedFieldsEntry{{}}
	for name, tc := range map[string]struct {
		it     *networkingv1.Ingress
		ours   *networkingv1.Ingress // in the Report; nil: it isn't
		at     []string              // PUBLISH_ADDRESS
		want   string
		writes int
	}{
		"ours":                           {ingress("it", "public"), ingress("it", "public"), []string{address}, address, 1},
		"ours, with another address":     {ingress("it", "public", other), ingress("it", "public"), []string{address}, address, 1},
		"ours, of somebody else":         {by(ingress("it", "public", other), "nginx"), ingress("it", "public"), []string{address}, address, 1},
		"ours, and right":                {ingress("it", "public", address), ingress("it", "public"), []string{address}, address, 0},
		"ours, without a class":          {ingress("it", ""), ingress("it", ""), []string{address}, address, 1},
		"ours by the Report, no more":    {ingress("it", "nginx", other), ingress("it", "public"), []string{address}, other, 0},
		"ours by the Report, made anew":  {anew, ingress("it", "public"), []string{address}, other, 0},
		"ours, no address is known":      {by(ingress("it", "public", other), manager), ingress("it", "public"), nil, other, 0},
		"another class":                  {ingress("it", "nginx", other), nil, []string{address}, other, 0},
		"another class, empty":           {ingress("it", "nginx"), nil, []string{address}, "", 0},
		"another class, we wrote":        {by(ingress("it", "nginx", other), manager), nil, []string{address}, "", 1},
		"another class, no address":      {by(ingress("it", "nginx", other), manager), nil, nil, "", 1},
		"another class, both wrote":      {by(ingress("it", "nginx", other), manager, "nginx"), nil, []string{address}, other, 0},
		"another class, its own wrote":   {by(ingress("it", "nginx", address), "nginx"), nil, []string{address}, address, 0},
		"another class, other setting":   {by(ingress("it", "nginx", address), manager+"2"), nil, []string{address}, address, 0},
		"another class, nobody knows":    {stripped, nil, []string{address}, address, 0},
		"our class, not yet in a Report": {by(ingress("it", "public", other), manager), nil, []string{address}, other, 0},
		"our class, by the annotation":   {annotated, nil, []string{address}, other, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			witness := ingress("witness", "public", address) // makes the class ours
			play(t, fake.NewClientset(tc.it, witness), func(p *player) {
				w, _ := p.writer(func(o *ingressstatus.Options) { o.Addresses, o.Service = tc.at, "front/nginx" })
				r := report(witness)
				if tc.ours != nil {
					r = report(tc.ours, witness)
				}
				w.Set(r)
				p.pass(time.Minute)
				p.says("witness", address)
				if tc.want == "" {
					p.says("it")
				} else {
					p.says("it", tc.want)
				}
				if n := p.asked("update", "ingresses/status"); n != tc.writes {
					t.Errorf("%d writes, want %d", n, tc.writes)
				}
			})
		})
	}
}

// TestAddresses: IPs and host names are told apart, each is there once, and the order
// in which they are given is of no account.
func TestAddresses(t *testing.T) {
	t.Parallel()
	web := ingress("web", "public")
	play(t, fake.NewClientset(web), func(p *player) {
		w, _ := p.writer(func(o *ingressstatus.Options) { o.Addresses, o.Service = nil, "front/nginx" })
		r := report(web)
		for range 2 {
			r.Published = []string{"lb.example.com", "2001:db8::1", "192.0.2.1", "LB.Example.com.", "::ffff:192.0.2.1"}
			w.Set(r)
			p.pass(time.Minute)
			p.says("web", "192.0.2.1", "2001:db8::1", "lb.example.com")
			r.Published = []string{"2001:DB8:0::1", "192.0.2.1", "lb.example.com"}
			w.Set(r)
			p.pass(time.Minute)
		}
		if n := p.asked("update", "ingresses/status"); n != 1 {
			t.Errorf("%d writes of the same", n)
		}
		o, err := p.client.NetworkingV1().Ingresses("shop").Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if at := o.Status.LoadBalancer.Ingress; at[1].IP == "" || at[2].Hostname == "" || at[1].Hostname != "" || at[2].IP != "" {
			t.Errorf("kinds of addresses: %+v", at)
		}
	})
}

// TestStatusFollows: each change is told within seconds, what others have written over
// is mended after a while, and an address that is lost is not taken away.
func TestStatusFollows(t *testing.T) {
	t.Parallel()
	web, api, moves := ingress("web", "public"), ingress("api", "public"), by(ingress("moves", "public"))
	play(t, fake.NewClientset(web, api, moves), func(p *player) {
		w, _ := p.writer(rarely, func(o *ingressstatus.Options) { o.Addresses, o.Service = nil, "front/nginx" })
		set := func(r controller.Report, published ...string) {
			r.Published = published
			w.Set(r)
			p.pass(25 * time.Second)
		}
		p.pass(time.Minute)
		if n := p.asked("list", "ingresses"); n != 0 {
			t.Errorf("%d looks before the first Report", n)
		}
		set(report(web), address)
		p.says("web", address)
		p.says("api")
		set(report(web, api), address)
		p.says("api", address)
		if n := p.asked("list", "ingresses"); n != 1 {
			t.Errorf("%d looks at all for one Ingress", n)
		}
		set(report(web, api), "lb.example.com")
		p.says("web", "lb.example.com")
		p.says("api", "lb.example.com")
		set(report(web, api))
		p.says("web", "lb.example.com")
		set(report(web, api, moves), "lb.example.com")
		p.says("moves", "lb.example.com")
		looks := p.asked("list", "ingresses")

		// Made anew, with the name of one that was ours and is.
		ingresses := p.client.NetworkingV1().Ingresses("shop")
		if err := ingresses.Delete(t.Context(), "api", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		again := ingress("api", "public")
		again.UID = types.UID("uid-of-the-second")
		if _, err := ingresses.Create(t.Context(), again, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		set(report(web, again, moves), "lb.example.com")
		p.says("api", "lb.example.com")

		o, err := ingresses.Get(t.Context(), "moves", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		o.Spec.IngressClassName = new("nginx")
		if _, err := ingresses.Update(t.Context(), o, metav1.UpdateOptions{FieldManager: "kubectl"}); err != nil {
			t.Fatal(err)
		}
		set(report(web, again), "lb.example.com")
		p.says("moves")
		if n := p.asked("list", "ingresses"); n != looks {
			t.Errorf("%d more looks at all", n-looks)
		}

		over := again.DeepCopy()
		over.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "198.51.100.1"}}
		if _, err := ingresses.UpdateStatus(t.Context(), over, metav1.UpdateOptions{FieldManager: "somebody"}); err != nil {
			t.Fatal(err)
		}
		p.pass(10 * time.Minute)
		p.says("api", "lb.example.com")

		writes := p.asked("update", "ingresses/status")
		looks = p.asked("list", "ingresses")
		p.pass(time.Hour)
		if n := p.asked("update", "ingresses/status"); n != writes {
			t.Errorf("%d writes although nothing has changed", n-writes)
		}
		if n := p.asked("list", "ingresses") - looks; n > 7 {
			t.Errorf("%d looks at all in an hour", n)
		}

		looks = p.asked("list", "ingresses")
		r := report(web, again)
		for i := range 60 { // an address that comes and goes
			r.Published = []string{"lb.example.com", "192.0.2.1"}[:1+i%2]
			w.Set(r)
			p.pass(time.Second)
		}
		if n := p.asked("list", "ingresses") - looks; n > 8 {
			t.Errorf("%d looks at all in a minute", n)
		}
	})
}

// TestNobodyAsks: without an address and a Service nothing is asked of the cluster, not
// even the Lease.
func TestNobodyAsks(t *testing.T) {
	t.Parallel()
	web := ingress("web", "public")
	play(t, fake.NewClientset(web), func(p *player) {
		w, _ := p.writer(func(o *ingressstatus.Options) { o.Addresses = nil })
		w.Set(report(web))
		p.pass(time.Hour)
		if a := p.client.Actions(); len(a) != 0 {
			t.Errorf("it asks %v", a)
		}
	})
}
