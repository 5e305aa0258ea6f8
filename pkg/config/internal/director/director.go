// Package director holds the settings of the command director, which takes the place of
// kube-pod-director: they have that program's names and defaults. The texts of settings
// enter; what route shall serve leaves. It never reads the environment.
package director

import (
	"time"

	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
	"github.com/30x/dispatcher/pkg/route"
)

// Settings are the values of all rows of this package.
type Settings struct {
	Namespace  string
	Service    string
	TargetPort string        // name of its port
	ReadyGrace time.Duration // whole seconds
}

// Rows are the settings that only the command director has, in the group that is given.
func (s *Settings) Rows(g table.Group) []table.Setting {
	return []table.Setting{
		table.Row(g, "NAMESPACE", "NAME", "default",
			"Namespace of the Service; nothing else is read.",
			table.Into(&s.Namespace, parse.ObjectLabel("namespace"))),
		table.Row(g, "SERVICE", "NAME", "",
			"Service whose one Pod gets all requests: the one that has been ready longest. Required.",
			table.Into(&s.Service, parse.ObjectLabel("Service"))),
		table.Row(g, "TARGET_PORT", "NAME", "http",
			"Name of the Service's port; without a port of that name, requests go to port 80 of the Pod.",
			table.Into(&s.TargetPort, parse.PortName)),
		table.Row(g, "READY_GRACE", "DURATION", "0s",
			"For how long (up to 15m, whole seconds) the Pod is kept while it is not ready, unless it is being deleted.",
			table.Into(&s.ReadyGrace, parse.Grace)),
	}
}

// privateNetworks are those of the addresses of Pods and nodes (RFC 1918, 6598 and 4193),
// and loopback.
const privateNetworks = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,127.0.0.0/8,fc00::/7,::1/128"

// Defaults gives settings of other commands the defaults that they have here.
func Defaults(rows []table.Setting) []table.Setting {
	own := map[string]string{
		"PORT":            "8080",          // as kube-pod-director
		"EVENTS":          "false",         // it may write nothing
		"TRUSTED_PROXIES": privateNetworks, // an Ingress is in front of it
	}
	for i := range rows {
		if def, ok := own[rows[i].Env]; ok {
			rows[i].Def = def
		}
	}
	return rows
}

// Narrow leaves of what is served the one Service; all of it if s is nil.
func (s *Settings) Narrow(o route.Options) route.Options {
	if s == nil {
		return o
	}
	o.Dispatcher, o.Microservice, o.Ingress, o.Overrides = false, nil, nil, nil
	o.Director = &route.Director{Namespace: s.Namespace, Service: s.Service, TargetPort: s.TargetPort, ReadyGrace: int(s.ReadyGrace / time.Second)}
	return o
}
