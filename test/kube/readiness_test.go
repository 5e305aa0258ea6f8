package kube

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkReadiness measures how long it takes from the API server's answer to a
// patch of a Pod's status, which says that it is ready, to the first request at that
// Pod, while others come and go at random times, where nginx learns of endpoints
// without a reload. Of that, dispatcher-ms is Dispatcher's part, from an event's arrival
// until nginx was told, with the 10 ms for which changes are gathered.
//
//	KUBEBUILDER_ASSETS=$(scripts/kube-assets.sh) NGINX_BINARY=$(scripts/current-nginx.sh) \
//		go test -run '^$' -bench Readiness -benchtime 1x ./test/kube
func BenchmarkReadiness(b *testing.B) {
	const samples, routes = 60, 16
	s := begin(b)
	shop := s.namespace("shop")
	guests := make([]*pod, routes)
	for i := range guests {
		shop.pod(fmt.Sprintf("stays-%d", i), fmt.Sprintf("/%d", i)).run()
		guests[i] = shop.pod(fmt.Sprintf("guest-%d", i), fmt.Sprintf("/%d", i))
		guests[i].start()
	}
	d := s.dispatcher("--access-log=false")
	if !strings.Contains(d.Log(), " endpoints=dynamic ") {
		b.Skip("NOT MEASURED: this nginx can't ask for endpoints: set NGINX_BINARY=$(scripts/current-nginx.sh)")
	}
	for b.Loop() {
		r, before := rand.New(rand.NewPCG(1, 2)), look{metrics: metricsOf(d)}
		pause := func() { time.Sleep(time.Duration(r.Int64N(int64(2 * time.Second)))) }
		var answered, asked []time.Duration // since the answer to the patch, and since it was sent
		for i := range samples {
			pause()
			guests[(i+routes/2)%routes].ready(false)
			pause()
			guest, path := guests[i%routes], fmt.Sprintf("/%d", i%routes)
			first := make(chan time.Time, 1)
			guest.On(path, func(w http.ResponseWriter, r *http.Request) {
				select {
				case first <- time.Now():
				default: // it is not the first
				}
				guest.Echo(w, r)
			})
			patching := time.Now()
			guest.ready(true)
			patched := time.Now()
			d.Eventually(guest.Name+" gets a request", func() bool {
				for range 100 {
					_ = d.Try(shop.host, path)
					select {
					case came := <-first:
						answered, asked = append(answered, came.Sub(patched)), append(asked, came.Sub(patching))
						return true
					default:
					}
				}
				return false
			})
		}
		slices.Sort(answered)
		slices.Sort(asked)
		for name, at := range map[string]int{"min": 0, "median": samples / 2, "p95": samples * 95 / 100, "max": samples - 1} {
			b.ReportMetric(float64(answered[at].Microseconds())/1000, name+"-ms")
			b.ReportMetric(float64(asked[at].Microseconds())/1000, "from-patch-"+name+"-ms")
		}
		b.ReportMetric(mean(before, look{metrics: metricsOf(d)}, "dispatcher_event_to_live_seconds", ""), "dispatcher-ms")
		b.ReportMetric(0, "ns/op") // of no meaning here
	}
}
