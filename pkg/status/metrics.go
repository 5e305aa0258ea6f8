package status

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/30x/dispatcher/pkg/controller"
)

// Stats is what nginx tells of itself.
type Stats struct {
	Draining int  // old workers that finish their connections
	Told     bool // nginx has told the rest
	// Connections now: all, and those on which it reads a request, writes an answer
	// or waits for a request.
	Active, Reading, Writing, Waiting uint64
	// Since nginx was started, also over reloads.
	Accepted, Handled, Requests uint64
}

// Asked is how nginx asks for endpoints.
type Asked struct {
	Questions uint64 // so far
	Held      int    // that wait for news now
	Behind    int    // services whose newest endpoints nginx has not got
}

// metrics tells of the last Report, of nginx and of what has been counted, in
// Prometheus' format.
type metrics struct {
	moment func() moment
	table  []metric
	descs  []*prometheus.Desc // of the table

	turns, reloads *prometheus.CounterVec
	steps          *prometheus.HistogramVec
	delays         prometheus.Histogram
	causers        *prometheus.CounterVec
	named          map[string]bool // Namespaces that causers has
}

// mostNamed is how many Namespaces have a counter of their own; the rest have others.
const (
	mostNamed = 1000
	others    = "_others"
)

// newMetrics makes the metrics of what moment gives.
func newMetrics(moment func() moment) *metrics {
	m := &metrics{moment: moment, table: table(), named: map[string]bool{}}
	for _, row := range m.table {
		opts := prometheus.Opts{Name: row.fullName(), Help: row.help}
		m.descs = append(m.descs, prometheus.NewDesc(opts.Name, opts.Help, row.labels, nil))
		switch row.name {
		case turns:
			m.turns = prometheus.NewCounterVec(prometheus.CounterOpts(opts), row.labels)
		case reloads:
			m.reloads = prometheus.NewCounterVec(prometheus.CounterOpts(opts), row.labels)
		case causers:
			m.causers = prometheus.NewCounterVec(prometheus.CounterOpts(opts), row.labels)
		case steps:
			m.steps = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: opts.Name, Help: opts.Help,
				Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, row.labels)
		case delays:
			m.delays = prometheus.NewHistogram(prometheus.HistogramOpts{Name: opts.Name, Help: opts.Help,
				Buckets: []float64{.025, .05, .1, .25, .5, 1, 2, 3, 5, 10, 30, 60, 300}})
		}
	}
	// A counter that first appears with its first event shows no increase of it.
	for _, result := range []string{"live", "unchanged", "failed"} {
		m.turns.WithLabelValues(result)
	}
	for _, cause := range controller.Causes() {
		for _, result := range []string{"success", "refused", "failed"} {
			m.reloads.WithLabelValues(cause, result)
		}
	}
	for _, step := range []string{"build", "render", "test", "reload", "verify"} {
		m.steps.WithLabelValues(step)
	}
	return m
}

func (m metric) fullName() string { return "dispatcher_" + m.name }

// count takes in what there is to measure of a turn.
func (m *metrics) count(turn controller.Turn) {
	if turn.Result == "" {
		return // the Report follows no turn
	}
	m.turns.WithLabelValues(turn.Result).Inc()
	for _, s := range turn.Steps {
		m.step(s.Name, s.Took)
	}
	for _, result := range turn.Reloads {
		m.reloads.WithLabelValues(turn.Cause, result).Inc()
	}
	if len(turn.Reloads) > 0 {
		m.caused(turn.Namespaces)
	}
	for _, d := range turn.Delays {
		m.delays.Observe(d.Seconds())
	}
}

// caused counts a reload for the Namespaces that it comes from.
func (m *metrics) caused(namespaces []string) {
	if len(namespaces) == 0 {
		m.causers.WithLabelValues("").Inc()
	}
	for _, ns := range namespaces {
		if !m.named[ns] && len(m.named) >= mostNamed {
			ns = others
		} else {
			m.named[ns] = true
		}
		m.causers.WithLabelValues(ns).Inc()
	}
}

func (m *metrics) step(name string, took time.Duration) {
	m.steps.WithLabelValues(name).Observe(took.Seconds())
}

// counted are the metrics that are counted as it happens.
func (m *metrics) counted() []prometheus.Collector {
	return []prometheus.Collector{m.turns, m.steps, m.reloads, m.delays, m.causers}
}

// Describe is part of prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for i, row := range m.table {
		if row.values != nil {
			out <- m.descs[i]
		}
	}
	for _, c := range m.counted() {
		c.Describe(out)
	}
}

// Collect is part of prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	now := m.moment()
	for i, row := range m.table {
		if row.values == nil {
			continue
		}
		kind := prometheus.GaugeValue
		if row.kind == counter {
			kind = prometheus.CounterValue
		}
		row.values(now, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(m.descs[i], kind, value, labels...)
		})
	}
	for _, c := range m.counted() {
		c.Collect(out)
	}
}

// handler answers with the metrics, and those of the process.
func (m *metrics) handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// askTime is how long nginx may take to tell of itself.
const askTime = time.Second

// moment gathers what the metrics tell of.
func (s *Status) moment() moment {
	now := moment{report: s.last(), nginx: s.stats != nil, alive: s.proxy.Alive(), stale: s.proxy.Stale()}
	if now.nginx {
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		now.stats = s.stats(ctx)
	}
	if s.asked != nil {
		now.dynamic, now.asked = true, s.asked()
	}
	return now
}
