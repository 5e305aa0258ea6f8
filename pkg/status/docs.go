package status

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// alert is something that people should be told of.
type alert struct{ when, query string }

// alerts are worth having everywhere.
func alerts() []alert {
	return []alert{
		{"nginx does not run", "dispatcher_nginx_up == 0"},
		{"changes are not served", "dispatcher_last_turn_successful == 0"},
		{"for minutes after a restart, the state before it is served: the API doesn't answer", "min_over_time(dispatcher_stale[5m]) == 1"},
		{"nginx doesn't ask for endpoints", "dispatcher_endpoint_questions_held == 0 and dispatcher_upstreams > 0"},
		{"a certificate expires within a week", "dispatcher_certificate_expiry_timestamp_seconds - time() < 7 * 86400"},
		{"a route has no Pod that is ready", "dispatcher_routes > dispatcher_upstreams"},
		{"entries are not served", "dispatcher_problems > 0"},
		{"nginx refuses entries that look right", "dispatcher_quarantined_entries > 0"},
		{"changes take long to be served", "histogram_quantile(0.99, rate(dispatcher_event_to_live_seconds_bucket[10m])) > 10"},
		{"connections were dropped", "rate(dispatcher_nginx_connections_accepted_total[5m]) > rate(dispatcher_nginx_connections_handled_total[5m])"},
		{"reloads pile up old workers", "dispatcher_nginx_workers_draining > 20"},
	}
}

// WriteMarkdown writes the reference page of all metrics. The error is the
// writer's.
func WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(intro)
	b.WriteString("\n## All metrics\n\n| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n")
	for _, row := range table() {
		labels := ""
		if len(row.labels) > 0 {
			labels = "`" + strings.Join(row.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", row.fullName(), row.kind, labels, row.help)
	}
	b.WriteString("\n## Alerts that are worth having\n\n| When | Query |\n|---|---|\n")
	for _, a := range alerts() {
		fmt.Fprintf(&b, "| %s | `%s` |\n", a.when, a.query)
	}
	_, err := w.Write(b.Bytes())
	return err
}

const intro = `<!-- Generated from the table in pkg/status/table.go. After a change there: UPDATE=1 make test -->

# Metrics

` + "`dispatcher run`" + ` answers ` + "`/metrics`" + ` on its admin port (` + "`ADMIN_ADDR`" + `) in Prometheus' text format.
[deploy/grafana/dispatcher.json](../deploy/grafana/dispatcher.json) is a Grafana dashboard of them.

- No label holds anything of a request: the number of series depends on what the cluster declares, and on nothing that
  clients send. Only ` + "`dispatcher_certificate_expiry_timestamp_seconds`" + ` has a series for each host, and only for those with TLS.
- What is not known is left out: what is served, until the first configuration is; all of ` + "`dispatcher_nginx_…`" + ` in mode
  ` + "`mock`" + `; and nginx's connections and requests while nginx doesn't answer within a second, or lacks
  ` + "`http_stub_status_module`" + ` (` + "`dispatcher version`" + ` tells).
- Counters begin at 0 when Dispatcher starts; those of nginx when nginx starts. A Dispatcher that takes over
  the nginx of one that was killed goes on with its counters.
- nginx's part of a turn (test, reload, verify) also counts when it goes back to the last good configuration, and reload
  and verify when nginx is started again after it died.
- The metrics of the process itself (` + "`process_…`" + `) and of Go (` + "`go_…`" + `) are there too.
`
