// Package route decides what should be served. A cluster.Snapshot enters; a
// Table of hosts, locations and upstreams leaves, with a Problem for every
// entry that was dropped or needs attention. It is pure, total and
// deterministic: it never reads a clock, a file or the environment, never
// logs, and one bad entry never drops its neighbours.
package route

import (
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// Options are the names by which Build finds what it reads, and the choices an
// operator has made. All names are required.
type Options struct {
	HostsAnnotation string // on Namespaces: JSON object, host → options
	PathsAnnotation string // on Pods: JSON array of path entries
	AuthAnnotation  string // on Namespaces: "required"
	OrgLabel        string // on Namespaces
	EnvLabel        string // on Namespaces
	AppNameLabel    string // on Pods
	AppRevLabel     string // on Pods
	SecretName      string // of the Secret that is read in each Namespace
	APIKeyField     string // of that Secret; a second key is in the field with "-next" appended
	APIKeyRequired  bool   // no Namespace is served without an API key
	HealthChecks    bool   // read Pods' probes into Upstream.HealthCheck
	TLS             bool   // hosts may be served over TLS
	SSLRedirect     bool   // hosts with TLS redirect plain HTTP to HTTPS, unless they say otherwise
	// Dynamic: endpoints change without a reload. A path then stays as long as a Pod
	// declares it, and answers 503 while none serves.
	Dynamic bool
	Sticky  bool // the nginx that runs knows the directive sticky
	// Barred are certificates that can't be used although they look right, with the
	// reason.
	Barred map[Bar]string
	// Memory saves reading the same certificates in each Build; may be nil.
	Memory *certificate.Memory
}

// Bar names a certificate, by its ID, and the one host for which it can't be used,
// "" if it can't be used for any.
type Bar struct{ Host, ID string }

// Interest lists what Build reads of an object, for cluster.NewCache.
func (o Options) Interest() cluster.Interest {
	return cluster.Interest{
		Annotations: []string{o.HostsAnnotation, o.PathsAnnotation, o.AuthAnnotation},
		Labels:      []string{o.OrgLabel, o.EnvLabel, o.AppNameLabel, o.AppRevLabel},
		SecretName:  o.SecretName,
	}
}

// Problem tells the owner of an object what is wrong with one of its entries.
// Its texts are safe to log: foreign values in them are quoted and cut.
type Problem struct {
	Ref    cluster.Ref
	Key    string // the annotation's name and the place in it: "…paths[1].weight"
	Reason string // what is wrong, what happens now, and what to write instead
}

// String is the one-line form: kind/namespace/name: key: reason.
func (p Problem) String() string {
	return p.Ref.String() + ": " + p.Key + ": " + p.Reason
}
