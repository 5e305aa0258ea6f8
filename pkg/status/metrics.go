package status

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics tells of the last Report in Prometheus' format.
type metrics struct {
	status *Status
	expiry *prometheus.Desc
}

func newMetrics(s *Status) *metrics {
	return &metrics{s, prometheus.NewDesc("dispatcher_certificate_expiry_timestamp_seconds",
		"When the certificate of a host expires, in Unix seconds. That of the default TLS server has no namespace and no host.",
		[]string{"namespace", "host"}, nil)}
}

// Describe is part of prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) { out <- m.expiry }

// Collect is part of prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, c := range m.status.last().Certificates {
		out <- prometheus.MustNewConstMetric(m.expiry, prometheus.GaugeValue, float64(c.NotAfter), c.Namespace, c.Host)
	}
}

func (m *metrics) handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
