// Package pods translates what Pods declare, in the dialects dispatcher and
// microservice. Pods and their Namespaces enter; locations leave, which belong to no
// host yet or to one that the Pods name. It never decides who owns a host or a path.
package pods

import (
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Options are what a Translator needs. All functions must be set.
type Options struct {
	Dispatcher      bool   // read PathsAnnotation
	HostsAnnotation string // for messages
	PathsAnnotation string
	AppNameLabel    string
	AppRevLabel     string
	OrgLabel        string
	EnvLabel        string
	Microservice    *Microservice // nil: that dialect is not read
	HealthChecks    bool
	Dynamic         bool
	Sticky          bool
	Overrides       cluster.ConfigMaps // names of ConfigMaps that may hold overrides; "*" is any
	Now             int64              // Unix seconds
	Limits          limit.Limits

	Sets       map[string]map[string]*cluster.StatefulSet
	ConfigMaps map[string]map[string]*cluster.ConfigMap // both by Namespace and name

	Report func(ref cluster.Ref, key, format string, args ...any) // takes a Problem
	Wake   func(at int64)                                         // takes a time at which the clock makes a difference; 0: none
}

// Translator translates the Pods of one Snapshot.
type Translator struct {
	o             Options
	snapshot      *cluster.Snapshot
	fields        []option.Field
	words         map[string]words         // by annotation and its text
	labels        map[string]value.Label   // by text
	declared      map[string][]declaration // by Namespace
	microservices map[string][]declaration // by Namespace
}

// New groups the Pods, and reports those that can't be routed at all.
func New(s *cluster.Snapshot, o Options) *Translator {
	o.Limits = o.Limits.Filled()
	t := &Translator{o: o, snapshot: s, fields: option.Fields(), words: map[string]words{}, labels: map[string]value.Label{"": {}}}
	t.declared, t.microservices = t.podsByNamespace(), t.microservicePods()
	return t
}

// Declares reports whether Pods of the Namespace declare paths in the dialect
// dispatcher.
func (t *Translator) Declares(ns *cluster.Namespace) bool { return len(t.declared[ns.Name]) > 0 }

// Locations gives what they declare, as many as a host can have, and how many they would
// be without that limit.
func (t *Translator) Locations(ns *cluster.Namespace) (found []*table.Location, all int) {
	paths := t.paths(t.declared[ns.Name])
	return t.locations(ns, t.declared[ns.Name], paths[:min(len(paths), t.o.Limits.Locations)]), len(paths)
}

// Label reads a label that only informs; a bad one is left out.
func (t *Translator) Label(ref cluster.Ref, labels map[string]string, key string) value.Label {
	text := labels[key]
	l, known := t.labels[text]
	if known {
		return l
	}
	l, err := value.ParseLabel(text)
	if err != nil {
		t.o.Report(ref, key, "the label is left out: %v", err)
		return l
	}
	t.labels[text] = l
	return l
}
