package kube

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/test/internal/dispatcher"
	"github.com/30x/dispatcher/test/internal/process"
)

// alone is how long the first change after a quiet time waits for others that
// may come with it. It counts as the window, which is not Dispatcher's speed.
const alone = 10 * time.Millisecond

// look is what there was to measure at one moment.
type look struct {
	metrics    map[string]float64
	dispatcher process.Memory
	nginx      process.Memory // of all its processes together
}

// figures are those of one size of cluster.
type figures struct {
	namespaces, pods, size int

	ready     time.Duration   // from the start to the first configuration
	reactions []time.Duration // to a path of a Pod
	readiness []time.Duration // to a Pod that gets ready, and not ready
	churn     time.Duration   // from many changes at once until all are live

	first   look // once it was ready
	before  look // the reactions
	steady  look // after them
	churned look // after many changes at once
	listed  look // once another one was ready, that had no list by watch
}

func metricsOf(d *dispatcher.Dispatcher) map[string]float64 {
	values := map[string]float64{}
	_, text := d.Probe("/metrics")
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = n
		}
	}
	return values
}

func (l *look) readMemory(d *dispatcher.Dispatcher) (err error) {
	if l.dispatcher, err = process.MemoryOf(d.PID()); err != nil {
		return err
	}
	master := d.MasterPID()
	for _, p := range process.All() {
		if p.PID != master && p.Parent != master || p.Zombie {
			continue
		}
		m, err := process.MemoryOf(p.PID)
		if err != nil {
			continue // an old worker has just ended
		}
		l.nginx.Own += m.Own
		l.nginx.Share += m.Share
	}
	return nil
}

// mean is that of a histogram between two looks, in milliseconds.
func mean(from, to look, name, labels string) float64 {
	sum, count := name+"_sum"+labels, name+"_count"+labels
	return 1000 * (to.metrics[sum] - from.metrics[sum]) / (to.metrics[count] - from.metrics[count])
}

func step(from, to look, name string) float64 {
	return mean(from, to, "dispatcher_turn_duration_seconds", `{step="`+name+`"}`)
}

// row is one figure and its unit.
type row struct {
	what, unit string
	value      float64
}

func (f *figures) rows() []row {
	nothing := look{}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	mib := func(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
	quantile := func(of []time.Duration, q float64) float64 {
		sorted := slices.Sorted(slices.Values(of))
		return ms(sorted[int(q*float64(len(sorted)-1)+.5)] - alone)
	}
	heap := func(l look) float64 { return l.metrics["go_memstats_heap_inuse_bytes"] / (1 << 20) }
	steps := func(from, to look) (out []row) {
		nginx := 0.0
		for _, name := range []string{"build", "render", "test", "reload", "verify"} {
			took := step(from, to, name)
			out = append(out, row{"  of that, " + name, "ms", took})
			if name != "build" && name != "render" {
				nginx += took
			}
		}
		return append(out, row{"  of that, nginx: the last three", "ms", nginx})
	}
	cpu := (f.steady.metrics["process_cpu_seconds_total"] - f.before.metrics["process_cpu_seconds_total"]) * 1000 / float64(len(f.reactions))
	return slices.Concat([]row{
		{"namespaces", "", float64(f.namespaces)},
		{"pods", "", float64(f.pods)},
		{"size of a Pod", "KiB", float64(f.size) / 1024},
		{"start to ready", "ms", ms(f.ready)},
	}, steps(nothing, f.first), []row{
		{"reaction to a Pod's path, p50", "ms", quantile(f.reactions, .5)},
		{"reaction to a Pod's path, p90", "ms", quantile(f.reactions, .9)},
		{"reaction to a Pod's path, p99", "ms", quantile(f.reactions, .99)},
		{"event to live, of these, mean", "ms", mean(f.before, f.steady, "dispatcher_event_to_live_seconds", "")},
	}, steps(f.before, f.steady), []row{
		{"CPU time of Dispatcher for a change", "ms", cpu},
		{"reaction to a Pod's readiness, p50", "ms", quantile(f.readiness, .5)},
		{"reaction to a Pod's readiness, longest", "ms", quantile(f.readiness, 1)},
		{"200 changes at once until live", "ms", ms(f.churn)},
		{"Dispatcher, peak RSS", "MiB", mib(f.churned.dispatcher.Peak)},
		{"Dispatcher, peak RSS until ready", "MiB", mib(f.first.dispatcher.Peak)},
		{"  the same without list by watch", "MiB", mib(f.listed.dispatcher.Peak)},
		{"Dispatcher, RSS after sync", "MiB", mib(f.first.dispatcher.Resident)},
		{"Dispatcher, RSS after changes", "MiB", mib(f.churned.dispatcher.Resident)},
		{"Dispatcher, PSS after changes", "MiB", mib(f.churned.dispatcher.Share)},
		{"Dispatcher, of that in no file", "MiB", mib(f.churned.dispatcher.Own)},
		{"Dispatcher, heap in use after sync", "MiB", heap(f.first)},
		{"Dispatcher, heap in use after changes", "MiB", heap(f.churned)},
		{"nginx, PSS", "MiB", mib(f.churned.nginx.Share)},
	})
}

// report gives the most important figures to the benchmark.
func (f *figures) report(b *testing.B) {
	b.Helper()
	names := map[string]string{
		"start to ready": "ready-ms", "reaction to a Pod's path, p50": "p50-ms", "reaction to a Pod's path, p99": "p99-ms",
		"Dispatcher, peak RSS": "peak-MiB", "Dispatcher, RSS after changes": "RSS-MiB",
	}
	for _, r := range f.rows() {
		if unit := names[r.what]; unit != "" {
			b.ReportMetric(r.value, unit)
		}
	}
	b.ReportMetric(0, "ns/op") // of no meaning here
}

// printTable prints the figures side by side, and how they grow.
func printTable(w io.Writer, all []*figures) {
	if len(all) == 0 {
		return
	}
	for i, first := range all[0].rows() {
		fmt.Fprintf(w, "%-40s %-4s", first.what, first.unit)
		last := first
		for _, f := range all {
			last = f.rows()[i]
			fmt.Fprintf(w, "%10.1f", last.value)
		}
		if len(all) > 1 && first.value != 0 {
			fmt.Fprintf(w, "   x %.1f", last.value/first.value)
		}
		fmt.Fprintln(w)
	}
}
