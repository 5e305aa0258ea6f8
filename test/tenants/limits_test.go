package tenants

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// limits are cases of objects that are large, or many. How much of it is served, and what
// is told, depends on limits that an operator may set; what comes first always is.
func limits() []attack {
	const host = "ingress.hostile.example"
	entries := func(n int, format string) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(format, i))
		}
		return strings.Join(out, ", ")
	}
	first := good[:1]
	return []attack{
		{name: "256 KiB of paths", maybe: true, make: func(h *hostile) { h.entry(entries(4000, `{"basePath": "/p%05d/x/y/z", "containerPort": @PORT}`)) }, wants: first},
		{name: "20,000 entries of no use", maybe: true, make: func(h *hostile) { h.entry(entries(20_000, `{"x": %d}`)) }, wants: first},
		{name: "20,000 entries of another type", maybe: true, make: func(h *hostile) { h.entry(entries(20_000, `%d`)) }, wants: first},
		{name: "256 KiB in one entry", maybe: true, make: func(h *hostile) {
			h.entry(`{"basePath": "/x", "containerPort": @PORT, "allowSourceRanges": [` + entries(20_000, `"10.0.0.%d"`) + `]}`)
		}, wants: first},
		{name: "10,000 hosts", maybe: true, needs: "MAX_LOCATIONS_PER_NAMESPACE", make: func(h *hostile) { h.host(entries(10_000, `"h%d.hostile.example": {}`)) }, wants: first},
		{name: "1,000 long hosts", maybe: true, make: func(h *hostile) {
			label := strings.Repeat("h", 60)
			h.host(entries(1000, `"h%d.`+label+"."+label+"."+label+`.example": {}`))
		}, wants: first},
		{name: "300 rules with 300 paths", maybe: true, needs: "MAX_LOCATIONS_PER_NAMESPACE", make: func(h *hostile) {
			ing := ingress("hostile", "many", host)
			ing.Spec.Rules = nil
			for i := range 300 {
				r := rule(fmt.Sprintf("h%d.hostile.example", i))
				for j := range 300 {
					r.HTTP.Paths = append(r.HTTP.Paths, to(fmt.Sprintf("/p%d", j), "good"))
				}
				ing.Spec.Rules = append(ing.Spec.Rules, r)
			}
			h.add(service("hostile", "good", h.w.pods["evil"].Port), ing)
		}, wants: first},
		{name: "2,000 Pods", maybe: true, make: func(h *hostile) { h.more(2000, `[{"basePath": "/x", "containerPort": @PORT}]`) }, wants: first},
		{name: "2,000 Pods with a path each", maybe: true, make: func(h *hostile) {
			for i := range 2000 {
				p := h.pod.DeepCopy()
				p.Name, p.Annotations[pathsKey] = fmt.Sprintf("more-%d", i), h.fill(fmt.Sprintf(`[{"basePath": "/x%d", "containerPort": @PORT}]`, i))
				h.add(p)
			}
		}, wants: first},
		{name: "2,000 Services and Ingresses", maybe: true, make: func(h *hostile) {
			for i := range 2000 {
				name := fmt.Sprintf("s%d", i)
				h.add(service("hostile", name, h.w.pods["evil"].Port), ingress("hostile", name, name+".hostile.example", to("/", name)))
			}
		}, wants: first},
		{name: "2,000 endpoints that are refused", maybe: true, make: func(h *hostile) {
			var addresses []string
			for i := range 2000 {
				addresses = append(addresses, fmt.Sprintf("127.1.%d.%d", i/250, i%250))
			}
			h.slice("IPv4", 80, addresses...)
		}, wants: first},
		{name: "objects that come and go", maybe: true, make: func(*hostile) {}, wants: first, after: flap},
	}
}

// flap has the hostile tenant change its objects 20 times a second. Meanwhile the
// newcomer must be able to add routes.
func flap(t *testing.T, w *world) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			h := newHostile(t, w, 1)
			h.host(fmt.Sprintf(`"h%d.hostile.example": {}`, n))
			h.more(rand.IntN(20), fmt.Sprintf(`[{"basePath": "/flap%d", "containerPort": @PORT}, {"basePath": "/x{"}]`, n))
			if err := w.write("hostile.json", h.text()); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 2 {
		w.add(t)
	}
	close(stop)
	<-stopped
}
