package policy

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Offer is what this Dispatcher, and the nginx that runs, can do.
type Offer struct {
	Dynamic   bool               // endpoints change without a reload
	Sticky    bool               // nginx knows the directive sticky
	Overrides cluster.ConfigMaps // that are read
}

// Limit leaves out of the options what can't be done, with a Note on each.
func (c Offer) Limit(o *option.Options) (notes []Note) {
	drop := func(key, format string, args ...any) {
		notes = append(notes, Note{Key: key, Reason: "it has no effect: " + fmt.Sprintf(format, args...)})
	}
	if !c.Sticky && o.Sticky != (value.Cookie{}) {
		o.Sticky = value.Cookie{}
		drop("sticky", "it needs nginx 1.29.6 or newer; without it, requests of a client may reach any Pod")
	}
	if !c.Dynamic && o.SlowStart > 0 {
		o.SlowStart = 0
		drop("slowStart", "it needs endpoints that change without a reload (nginx 1.27.3 or newer); new Pods get their full share at once")
	}
	if name := o.Overrides.String(); name != "" && o.Policy == value.PolicyHash && !c.Overrides.Has(name) {
		o.Overrides = value.ObjectName{}
		drop("overrides", "Dispatcher reads no ConfigMap %s; have the operator add it to OVERRIDES", name)
	}
	return notes
}
