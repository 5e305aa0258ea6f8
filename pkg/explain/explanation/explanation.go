// Package explanation is the form of an answer: what becomes of requests for a URL, or
// what a Pod serves. An Explanation is made by package explain; its JSON and its text for
// people leave. It never finds out anything itself.
package explanation

import (
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Explanation is the answer to a question: what becomes of requests for a URL, or what
// a Pod serves. The fields up to Target are of a URL, and Routes is of a Pod.
type Explanation struct {
	Question string    `json:"question"` // a URL, or Pod/NAMESPACE/NAME
	Answer   Answer    `json:"answer"`
	Note     string    `json:"note,omitempty"`
	Host     *Host     `json:"host,omitempty"`
	Path     string    `json:"path,omitempty"`     // as nginx compares it: decoded and normalised
	Location *Location `json:"location,omitempty"` // that answers; absent if none does
	Lost     []Lost    `json:"lost,omitempty"`     // what else covers the path
	Demands  []Demand  `json:"demands,omitempty"`
	Limits   []Limit   `json:"limits,omitempty"` // that are not the defaults
	Policy   *Policy   `json:"policy,omitempty"`
	Target   string    `json:"target,omitempty"` // URI with which the request reaches the Pod
	Pods     []Pod     `json:"pods,omitempty"`   // of the location, or the one that was asked for
	Routes   []Route   `json:"routes,omitempty"` // that the Pod declares, or is behind
	Problems []Problem `json:"problems,omitempty"`
}

// Answer is the short answer.
type Answer struct {
	// Served: somebody answers, or a Pod serves at least one path.
	Served bool `json:"served"`
	By     By   `json:"by"`
	// Status is nginx's own; 0 if a Pod answers, or nobody does.
	Status int    `json:"status,omitempty"`
	To     string `json:"to,omitempty"` // URL of a redirect, or that is proxied to
	// Reason says why, and what to do if that is not as it should be.
	Reason string `json:"reason"`
}

// By says who answers.
type By string

// Those who answer. nginx answers Nginx's requests by a status, and Closed's by closing
// the connection.
const (
	ByPod        By = "pod"
	ByRedirect   By = "redirect"
	ByDefault    By = "default location"
	ByStatusPath By = "status path"
	ByNginx      By = "nginx"
	ByNobody     By = "nobody" // a Pod serves no path at all
	Closed       By = "closed"
)

// Host is the host of a request, and the one that it matched.
type Host struct {
	Asked      string          `json:"asked"`
	Match      table.HostMatch `json:"match"`
	Name       string          `json:"name,omitempty"`  // as it is declared
	Owner      string          `json:"owner,omitempty"` // the Namespace that was created first
	Namespaces []string        `json:"namespaces,omitempty"`
	Refused    bool            `json:"refused,omitempty"`
	TLS        *TLS            `json:"tls,omitempty"` // absent: plain HTTP
	Text       string          `json:"text"`
}

// TLS is how a host is served over TLS.
type TLS struct {
	Until    string `json:"until"`    // the certificate is valid
	Redirect bool   `json:"redirect"` // plain HTTP requests are redirected; else they get no answer
	Clients  bool   `json:"clients"`  // clients must show a certificate
}

// Location is one path of a host.
type Location struct {
	Path      string      `json:"path"`
	Match     value.Match `json:"match"`
	Namespace string      `json:"namespace"`
	Text      string      `json:"text"` // why it answers
}

// Lost is a path that covers the request's, too, and does not answer.
type Lost struct {
	Path      string      `json:"path"`
	Match     value.Match `json:"match"`
	Namespace string      `json:"namespace"`
	By        []string    `json:"by,omitempty"` // objects that ask for it, if it is not served at all
	Text      string      `json:"text"`         // why
}

// Demand is what a location demands of a request.
type Demand struct {
	What What `json:"what"`
	// Met says whether the request meets it, as far as the question tells.
	Met  Met    `json:"met"`
	Text string `json:"text"`
}

// What is a kind of demand.
type What string

// The kinds of demands.
const (
	DemandKey         What = "API key"
	DemandSource      What = "source"
	DemandCertificate What = "client certificate"
)

// Met says whether a demand is met.
type Met string

// Unknown means that the question does not tell; the answer is for requests that do.
const (
	Yes     Met = "yes"
	No      Met = "no"
	Unknown Met = "unknown"
)

// Limit is what holds for a location in place of a default.
type Limit struct {
	Option string `json:"option"` // its name
	Value  string `json:"value"`
}

// Policy is how the Pods of a location share its requests.
type Policy struct {
	Name     string `json:"name"`               // balance, one or hash
	KeyFrom  string `json:"keyFrom,omitempty"`  // where a request's key stands
	Key      string `json:"key,omitempty"`      // of this request
	Unit     int    `json:"unit,omitempty"`     // of the 10,000 of all keys
	Pod      string `json:"pod,omitempty"`      // that gets the request; "" if several may
	Override bool   `json:"override,omitempty"` // an override decided
	Text     string `json:"text"`
}

// Pod is one that declares the location, or an address that serves it.
type Pod struct {
	Name    string `json:"name"` // Pod/NAMESPACE/NAME, or the object that holds an address
	Address string `json:"address,omitempty"`
	Weight  int    `json:"weight,omitempty"` // its part of the requests is this by the sum
	// Serves: it may get requests. Answers: it may get this one.
	Serves     bool   `json:"serves"`
	Answers    bool   `json:"answers"`
	ReadySince int64  `json:"readySince,omitempty"` // Unix seconds
	Text       string `json:"text"`
}

// Route is one path of one host that a Pod declares, or is behind.
type Route struct {
	Host  string      `json:"host"` // "" is every host that nobody declares
	Path  string      `json:"path"`
	Match value.Match `json:"match"`
	By    string      `json:"by"` // the object that says so
	State State       `json:"state"`
	Text  string      `json:"text"`
}

// State says what has become of a Route.
type State string

// The states. What waits will be served once its Pod is ready, or its turn comes; what
// is lost belongs to others; what is refused has to be corrected.
const (
	Serves  State = "serves"
	Waits   State = "waits"
	IsLost  State = "lost"
	Refused State = "refused"
)

// Problem is a Problem of an object that has a say in the answer.
type Problem struct {
	Object string `json:"object"` // kind/namespace/name
	Key    string `json:"key"`
	// Line and Column are where in an annotation with JSON the Key is, from 1; 0 if in none.
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Reason string `json:"reason"`
}
