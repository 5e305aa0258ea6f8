package status

import (
	"strconv"

	"github.com/30x/dispatcher/pkg/controller"
)

// metric is one row of the table of metrics. Labels take only values that are
// fixed, or that the cluster declares: never anything of a request.
type metric struct {
	name   string // follows "dispatcher_"
	kind   kind
	labels []string
	help   string // one or two sentences
	// values gives what is known at the moment; nil if it is counted as it happens.
	values func(now moment, give func(value float64, labels ...string))
}

// kind is a type of Prometheus.
type kind string

const (
	gauge     kind = "gauge"
	counter   kind = "counter"
	histogram kind = "histogram"
)

// What is counted as it happens.
const (
	turns   = "turns_total"
	steps   = "turn_duration_seconds"
	reloads = "reloads_total"
	delays  = "event_to_live_seconds"
	causers = "reloads_caused_total"
)

// moment is what the metrics tell of.
type moment struct {
	report controller.Report
	nginx  bool // there is one
	alive  bool
	stale  bool
	stats  Stats

	dynamic bool // nginx asks for endpoints
	asked   Asked
}

type (
	give = func(value float64, labels ...string)
	row  = func(now moment, give func(value float64, labels ...string))
)

// table lists all metrics, in the order of the reference.
func table() []metric {
	return []metric{
		{"objects", gauge, []string{"kind"}, "Objects of the cluster that routing knows, by kind.",
			func(now moment, give give) { byName(now.report.Objects, give) }},
		{"hosts", gauge, nil, "Hosts that are served.",
			served(func(r controller.Report) int { return r.Counts.Hosts })},
		{"routes", gauge, nil, "Routes that are served: the paths of all hosts. Those without a Pod that is ready answer 503.",
			served(func(r controller.Report) int { return r.Counts.Locations })},
		{"upstreams", gauge, nil, "Routes that have at least one endpoint.",
			served(func(r controller.Report) int { return r.Counts.Upstreams })},
		{"endpoints", gauge, nil, "Endpoints of all upstreams; a Pod counts once for each of its routes.",
			served(func(r controller.Report) int { return r.Counts.Endpoints })},
		{"problems", gauge, []string{"kind"}, "Entries that are not served, or need attention, by what has to be corrected: " +
			"hosts, paths or auth (annotations), tls (the option ssl of a host), secret, label or object.",
			func(now moment, give give) { byName(now.report.ProblemKinds, give) }},
		{"quarantined_entries", gauge, []string{"namespace"}, "Hosts and paths that nginx refuses although they look right, by their Namespace: they are left out, so that the rest is served, and tried again when they change.",
			func(now moment, give give) { byName(now.report.Quarantined, give) }},
		{"certificate_expiry_timestamp_seconds", gauge, []string{"namespace", "host"},
			"When the certificate of a host expires, in Unix seconds. That of the default TLS server has no namespace and no host.",
			func(now moment, give give) {
				for _, c := range now.report.Certificates {
					give(float64(c.NotAfter), c.Namespace, c.Host)
				}
			}},

		{turns, counter, []string{"result"}, "Turns, in which changes are built, rendered and made live, by result: " +
			"live, unchanged (no reload was needed) or failed.", nil},
		{steps, histogram, []string{"step"}, "How long each step of a turn took: build, render, test (nginx -t), " +
			"reload (nginx is told, or started) and verify (until a new worker has confirmed the configuration and the old ones accept no more connections).", nil},
		{reloads, counter, []string{"cause", "result"}, "Configurations handed to nginx, by result: success, refused (nginx refuses the text) or failed. " +
			"The cause is the kind of the changed objects or what an operator changed; start, clock (a certificate was due) or several.", nil},
		{causers, counter, []string{"namespace"}, "Reloads by the Namespaces that they come from; one that comes from several counts for each. " +
			"Those of no Namespace's doing have none; from the 1,001st Namespace on, all are _others.", nil},
		{"namespaces_gathered", gauge, nil, "Namespaces whose changes are gathered, because they have caused more reloads than NAMESPACE_RELOAD_BUDGET.",
			func(now moment, give give) { give(float64(now.report.Gathered)) }},
		{"reloads_waiting", gauge, []string{"reason"}, "1 while a reload waits, by reason: budget (its Namespaces have caused too many), flapping (it is only for Pods that come and go) " +
			"or draining (there are more old workers than MAX_DRAINING_WORKERS).",
			func(now moment, give give) {
				for _, reason := range controller.WaitingReasons() {
					give(number(now.report.Waiting == reason), reason)
				}
			}},
		{delays, histogram, nil, "Time from the arrival of an object's change to the moment when nginx serves it. " +
			"Each object counts once in a turn, from its first change that was not live; changes of which nginx has nothing to learn don't count.", nil},
		{"last_turn_successful", gauge, nil, "1 if the newest configuration is served, but for entries that are not to be served (problems, quarantined_entries), 0 if the last good one is in its place, or changes wait until it is known which entries nginx refuses.",
			func(now moment, give give) {
				if now.report.Generation != "" || now.report.Err != nil {
					give(number(now.report.Err == nil))
				}
			}},
		{"stale", gauge, nil, "1 while what is served is the last good configuration from before a restart of Dispatcher, because not all objects are known yet, or no newer one works. 0 otherwise.",
			func(now moment, give give) {
				if now.nginx {
					give(number(now.stale))
				}
			}},
		{"last_good_generation", gauge, nil, "The last good configuration, which is served: the first 12 hexadecimal digits of its generation, as a number. " +
			"Equal on all nodes that serve the same with the same settings.",
			func(now moment, give give) {
				if n, err := strconv.ParseUint(now.report.Generation[:min(12, len(now.report.Generation))], 16, 48); err == nil {
					give(float64(n))
				}
			}},
		{"last_good_generation_timestamp_seconds", gauge, nil, "When it became live, in Unix seconds.",
			func(now moment, give give) {
				if t := now.report.LiveSince; !t.IsZero() {
					give(float64(t.UnixMilli()) / 1000)
				}
			}},

		{"endpoint_questions_total", counter, nil, "Questions of nginx for endpoints, where these change without a reload.",
			asks(func(now moment) float64 { return float64(now.asked.Questions) })},
		{"endpoint_questions_held", gauge, nil, "Questions of nginx that are kept back until endpoints change: one for each upstream of each nginx worker that asks. " +
			"With none, nginx learns of changes late, or not at all.",
			asks(func(now moment) float64 { return float64(now.asked.Held) })},
		{"upstreams_behind", gauge, nil, "Upstreams whose newest endpoints nginx has not got yet.",
			asks(func(now moment) float64 { return float64(now.asked.Behind) })},
		{"endpoints_capacity", gauge, nil, "Endpoints that nginx's memory has room for, each upstream counting as two more. It is enlarged, by a reload, when half of it is used.",
			asks(func(now moment) float64 { return float64(now.report.Capacity) })},

		{"nginx_up", gauge, nil, "1 if nginx runs, 0 if not.",
			func(now moment, give give) {
				if now.nginx {
					give(number(now.alive))
				}
			}},
		{"nginx_workers_draining", gauge, nil, "Old workers that are still finishing their connections after a reload.",
			func(now moment, give give) {
				if now.nginx {
					give(float64(now.stats.Draining))
				}
			}},
		{"nginx_connections_active", gauge, nil, "Open connections of clients.",
			told(func(s Stats) float64 { return float64(s.Active) })},
		{"nginx_connections", gauge, []string{"state"}, "Connections by what nginx does: reading a request, writing an answer, or waiting for a request.",
			func(now moment, give give) {
				if now.stats.Told {
					give(float64(now.stats.Reading), "reading")
					give(float64(now.stats.Writing), "writing")
					give(float64(now.stats.Waiting), "waiting")
				}
			}},
		{"nginx_connections_accepted_total", counter, nil, "Connections that nginx has accepted since it started.",
			told(func(s Stats) float64 { return float64(s.Accepted) })},
		{"nginx_connections_handled_total", counter, nil, "Connections that nginx has handled since it started; fewer than accepted if a limit was reached.",
			told(func(s Stats) float64 { return float64(s.Handled) })},
		{"nginx_requests_total", counter, nil, "Requests that nginx has got since it started, with the few by which Dispatcher asks it for its state.",
			told(func(s Stats) float64 { return float64(s.Requests) })},
	}
}

// served is for what counts only once something is served.
func served(count func(controller.Report) int) row {
	return func(now moment, give give) {
		if now.report.Generation != "" {
			give(float64(count(now.report)))
		}
	}
}

// asks is for what there is where nginx asks for endpoints.
func asks(value func(moment) float64) row {
	return func(now moment, give give) {
		if now.dynamic {
			give(value(now))
		}
	}
}

// told is for what nginx may not have told.
func told(value func(Stats) float64) row {
	return func(now moment, give give) {
		if now.stats.Told {
			give(value(now.stats))
		}
	}
}

func byName(counts map[string]int, give give) {
	for name, n := range counts {
		give(float64(n), name)
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
