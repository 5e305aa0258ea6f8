// Package pods runs the Pods of the demo, and the applications outside its cluster.
// Events of Pod and EndpointSlice manifests enter; small servers leave, one for each
// declared port at the Pod's or the endpoint's own loopback address, which say who
// they are. It never runs an image and never routes.
package pods

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/source"
)

// linger is how long the server of a Pod that is gone still answers. In a
// cluster a Pod ends gracefully too; nginx has left it by then.
const linger = 3 * time.Second

// Pods are the Pods that run: a small server for each declared port, at the Pod's own
// address. It belongs to one goroutine.
type Pods struct {
	say     func(string) // tells the user what is wrong
	known   objects
	servers map[netip.AddrPort]*server
	told    map[string]bool // what is wrong now and has been said
}

// objects are the manifests of what runs, by namespace/name.
type objects struct {
	pods   map[string]*corev1.Pod
	slices map[string]*discoveryv1.EndpointSlice
}

// New returns Pods of which none runs yet. It tells say, a line each, what is
// wrong with those that can't run.
func New(say func(string)) *Pods {
	known := objects{map[string]*corev1.Pod{}, map[string]*discoveryv1.EndpointSlice{}}
	return &Pods{say: say, known: known, servers: map[netip.AddrPort]*server{}}
}

// Run follows the events until ctx is done, then ends all servers. It calls
// ready once, when all Pods that existed at the start have been started.
func (p *Pods) Run(ctx context.Context, events <-chan source.Event, ready func()) {
	defer func() {
		for _, s := range p.servers {
			s.close()
		}
	}()
	tick := time.NewTicker(time.Second) // for what lingers, and for addresses that were taken
	defer tick.Stop()
	synced := false
	for {
		first := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case e := <-events:
			p.take(e)
			first = e.Synced && !synced
		}
		if synced = synced || first; synced {
			p.reconcile(ctx, time.Now())
		}
		if first {
			ready()
		}
	}
}

func (p *Pods) take(e source.Event) {
	switch o := e.Object.(type) {
	case *corev1.Pod:
		keep(p.known.pods, o, e.Deleted)
	case *discoveryv1.EndpointSlice:
		keep(p.known.slices, o, e.Deleted)
	}
}

func keep[T metav1.Object](known map[string]T, o T, deleted bool) {
	name := o.GetNamespace() + "/" + o.GetName()
	if deleted {
		delete(known, name)
	} else {
		known[name] = o
	}
}

// reconcile starts what is missing, hands addresses over to the Pods that now
// have them, and ends what has lingered long enough.
func (p *Pods) reconcile(ctx context.Context, now time.Time) {
	want, wrong := wanted(p.known)
	for at, id := range want {
		s := p.servers[at]
		if s == nil {
			var err error
			if s, err = listen(ctx, at, id); err != nil {
				wrong = append(wrong, fmt.Sprintf("%s can't run: %v; free the address, or write another one", id.name, err))
				continue
			}
			p.servers[at] = s
		}
		s.who.Store(id)
		s.leaving = time.Time{}
	}
	for at, s := range p.servers {
		switch {
		case want[at] != nil:
		case s.leaving.IsZero():
			s.leaving = now
		case now.Sub(s.leaving) >= linger:
			s.close()
			delete(p.servers, at)
		}
	}
	told := map[string]bool{}
	for _, text := range wrong {
		if !p.told[text] && !told[text] {
			p.say(text)
		}
		told[text] = true
	}
	p.told = told
}

// wanted says who answers at which address, and what is wrong with those that can't be
// run.
func wanted(known objects) (want map[netip.AddrPort]*identity, wrong []string) {
	want = map[netip.AddrPort]*identity{}
	claim := func(port int32, protocol corev1.Protocol, id *identity) {
		if port < 1 || port > 65535 || protocol != "" && protocol != corev1.ProtocolTCP {
			return
		}
		at := netip.AddrPortFrom(id.ip, uint16(port))
		if other := want[at]; other != nil {
			wrong = append(wrong, fmt.Sprintf("%s can't listen on %s: %s does; give each an address of its own", id.name, at, other.name))
			return
		}
		want[at] = id
	}
	for _, name := range slices.Sorted(maps.Keys(known.pods)) {
		pod := known.pods[name]
		if _, err := cluster.NewRef("Pod", pod); err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		if pod.Status.Phase != corev1.PodRunning {
			continue
		}
		ip, ok := loopback(pod.Status.PodIP)
		if !ok {
			wrong = append(wrong, fmt.Sprintf("Pod %s can't run: its address is %s; write status.podIP with a loopback address of its own, like 127.0.50.1",
				name, cluster.Quote(pod.Status.PodIP)))
			continue
		}
		for i := range pod.Spec.Containers {
			c := &pod.Spec.Containers[i]
			id := &identity{name: "Pod " + name, env: environment(pod.Name, c), ip: ip}
			for _, port := range c.Ports {
				claim(port.ContainerPort, port.Protocol, id)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known.slices)) {
		outside(known.slices[name], claim)
	}
	return want, wrong
}

// outside claims addresses for the applications outside the cluster: endpoints at
// loopback addresses that are no Pods'. Others are somebody else's to run.
func outside(slice *discoveryv1.EndpointSlice, claim func(int32, corev1.Protocol, *identity)) {
	for i := range slice.Endpoints {
		e := &slice.Endpoints[i]
		for _, address := range e.Addresses {
			ip, ok := loopback(address)
			if !ok || e.TargetRef != nil {
				continue
			}
			id := &identity{name: "application " + ip.String(), env: map[string]string{"HOSTNAME": ip.String()}, ip: ip}
			if e.Hostname != nil {
				id.env["HOSTNAME"] = *e.Hostname
			}
			for _, port := range slice.Ports {
				if port.Port != nil {
					claim(*port.Port, *cmp.Or(port.Protocol, new(corev1.ProtocolTCP)), id)
				}
			}
		}
	}
}

func loopback(text string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(text)
	return ip, err == nil && ip.IsLoopback() && ip.Zone() == ""
}

// environment is the container's own: its host name and the values that its
// manifest spells out. Nothing of this machine's environment is in it.
func environment(pod string, c *corev1.Container) map[string]string {
	env := map[string]string{"HOSTNAME": pod}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			env[v.Name] = v.Value
		}
	}
	return env
}
