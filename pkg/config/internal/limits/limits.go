// Package limits holds the settings of what one tenant may take up, and of which hosts it
// may have. The texts of settings enter; route.Options leave. It never reads the
// environment.
package limits

import (
	"errors"
	"fmt"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/limit"
)

// HostPolicy says whether Namespaces share hosts.
type HostPolicy string

// The policies.
const (
	HostsShared    HostPolicy = "shared"
	HostsExclusive HostPolicy = "exclusive" // the Namespace created first has all of a host
)

// Settings are the values of all rows of this package.
type Settings struct {
	Limits       limit.Limits
	HostPolicy   HostPolicy
	AllowedHosts cluster.Ref // a ConfigMap; zero: none, so that all may use any host
}

// Rows are the settings in the group that is given.
func (s *Settings) Rows(g table.Group) []table.Setting {
	rows := []table.Setting{
		table.Row(g, "HOST_POLICY", "shared|exclusive", "shared",
			"Whether Namespaces share a host. shared: several may serve its paths, each path the Namespace created first of those that declare it. exclusive: the Namespace created first has all of the host.",
			table.Into(&s.HostPolicy, parse.OneOf(HostsShared, HostsExclusive))),
		table.Row(g, "ALLOWED_HOSTS", "NAMESPACE/NAME", "",
			"ConfigMap that says which hosts each namespace may use: its keys are namespaces, or _others for all that are not listed; its values are hosts like www.example.com, *.example.com for all below, or * for all. Empty: all may use any.",
			table.Into(&s.AllowedHosts, parse.Optional(configMap))),
	}
	for _, r := range limit.Rows() {
		rows = append(rows, table.Row(g, r.Setting, "NUMBER", fmt.Sprint(r.Default()), fmt.Sprintf("%s (%d to %d) See limits.md.", r.Help, r.Least, r.Most),
			table.Into(r.At(&s.Limits), parse.Number(r.Unit, r.Least, r.Most))))
	}
	return rows
}

// configMap reads the name of a ConfigMap with its namespace.
func configMap(s string) (cluster.Ref, error) {
	bad := errors.New("is not a ConfigMap: give NAMESPACE/NAME")
	namespace, name, ok := strings.Cut(s, "/")
	if !ok {
		return cluster.Ref{}, bad
	}
	if _, err := parse.ObjectLabel("namespace")(namespace); err != nil {
		return cluster.Ref{}, bad
	}
	if _, err := parse.SecretName(name); err != nil { // the rules are the same
		return cluster.Ref{}, bad
	}
	return cluster.Ref{Kind: "ConfigMap", Namespace: namespace, Name: name}, nil
}

// Fill adds to the options what these settings say.
func (s *Settings) Fill(o route.Options) route.Options {
	o.Limits, o.Exclusive, o.AllowedHosts = s.Limits, s.HostPolicy == HostsExclusive, s.AllowedHosts
	return o
}
