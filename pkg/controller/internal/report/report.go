// Package report holds what the controller knows after a turn. It leaves for whoever
// tells of it, and never changes.
package report

import (
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/route"
)

// Report is what is known after a turn.
type Report struct {
	Generation   string // of the configuration that is served; "" before the first
	Counts       route.Counts
	Problems     []route.Problem
	Table        *route.Table       // of the newest configuration that could be served; nil before the first
	Snapshot     *cluster.Snapshot  // of which the Table was made
	Err          error              // why the newest configuration is not served; nil if it is
	Certificates []Certificate      // in the newest configuration
	Ingresses    []*cluster.Ingress // that are of our class, by namespace and name
	Published    []string           // addresses of Controller.Publish
	Capacity     int                // endpoints that nginx's memory has room for; 0: they stand in the configuration
	LiveSince    time.Time          // when the configuration that is served became live; zero before the first
	Objects      map[string]int     // what is known of the cluster, by kind
	ProblemKinds map[string]int     // Problems by what the owner has to correct; each kind is there
	Quarantined  map[string]int     // entries that nginx refuses, and that are left out, by Namespace
	Gathered     int                // Namespaces whose changes are gathered, since they have caused too many reloads
	Waiting      string             // why a change waits, one of pace.Reasons; "" if none does
	Turn         account.Turn
}

// Certificate says when a host's certificate expires. The default one has no host.
type Certificate struct {
	Namespace, Host string
	NotAfter        int64 // Unix seconds
}
