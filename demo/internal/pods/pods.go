// Package pods runs the Pods of the demo. Events of Pod manifests enter; small
// servers leave, one for each declared port at the Pod's own loopback address,
// which say who they are. It never runs an image and never routes.
package pods

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/source"
)

// linger is how long the server of a Pod that is gone still answers. In a
// cluster a Pod ends gracefully too; nginx has left it by then.
const linger = 3 * time.Second

// Pods are the Pods that run: a small server for each declared port, at the Pod's own
// address. It belongs to one goroutine.
type Pods struct {
	say     func(string)           // tells the user what is wrong
	known   map[string]*corev1.Pod // by namespace/name
	servers map[netip.AddrPort]*server
	told    map[string]bool // what is wrong now and has been said
}

// New returns Pods of which none runs yet. It tells say, a line each, what is
// wrong with those that can't run.
func New(say func(string)) *Pods {
	return &Pods{say: say, known: map[string]*corev1.Pod{}, servers: map[netip.AddrPort]*server{}}
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
	pod, ok := e.Object.(*corev1.Pod)
	if !ok {
		return
	}
	name := pod.Namespace + "/" + pod.Name
	if e.Deleted {
		delete(p.known, name)
	} else {
		p.known[name] = pod
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
				wrong = append(wrong, fmt.Sprintf("Pod %s can't run: %v; free the address, or give the Pod another one", id.pod, err))
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

// wanted says which container answers at which address, and what is wrong with
// the Pods that can't be run.
func wanted(known map[string]*corev1.Pod) (want map[netip.AddrPort]*identity, wrong []string) {
	want = map[netip.AddrPort]*identity{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		pod := known[name]
		if _, err := cluster.NewRef("Pod", pod); err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		if pod.Status.Phase != corev1.PodRunning {
			continue
		}
		ip, err := netip.ParseAddr(pod.Status.PodIP)
		if err != nil || !ip.IsLoopback() {
			wrong = append(wrong, fmt.Sprintf("Pod %s can't run: its address is %s; write status.podIP with a loopback address of its own, like 127.0.50.1",
				name, cluster.Quote(pod.Status.PodIP)))
			continue
		}
		for i := range pod.Spec.Containers {
			c := &pod.Spec.Containers[i]
			id := &identity{pod: name, env: environment(pod.Name, c), ip: ip}
			for _, port := range c.Ports {
				if port.ContainerPort < 1 || port.ContainerPort > 65535 || port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
					continue
				}
				at := netip.AddrPortFrom(ip, uint16(port.ContainerPort))
				if other := want[at]; other != nil {
					wrong = append(wrong, fmt.Sprintf("Pod %s can't listen on %s: Pod %s does; give each Pod a podIP of its own", name, at, other.pod))
					continue
				}
				want[at] = id
			}
		}
	}
	return want, wrong
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
