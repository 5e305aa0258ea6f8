// Package apikey decides what requests to a Namespace's paths must bring along. A
// Namespace and its Secret enter; the API keys leave, or that nobody is let in. It
// never opens what it can't check.
package apikey

import (
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Options are the names by which keys are found, and what an operator demands.
type Options struct {
	Annotation string // on Namespaces: "required"
	SecretName string // for messages
	Field      string // of the Secret; a second key is in the field with "-next" appended
	Required   bool   // no Namespace is served without an API key
	Limits     limit.Limits
	// Report takes a Problem.
	Report func(ref cluster.Ref, key, format string, args ...any)
}

// nextSuffix marks the field with a second key that is accepted while clients
// change from one to the other.
const nextSuffix = "-next"

// Demand decides what requests to a Namespace's paths must bring along; secret is nil
// if there is none. Whatever is demanded and can't be checked closes the paths.
func Demand(ns *cluster.Namespace, secret *cluster.Secret, o Options) table.Auth {
	required, field, limits := o.requires(ns), o.Field, o.Limits.Filled()
	if secret != nil && secret.Unreadable {
		o.Report(secret.Ref, "data", "all paths of the Namespace answer 403: the Secret can't be read, and it may hold an API key; correct it")
		return table.Auth{Closed: true}
	}
	var keys []value.Key
	for _, f := range []string{field, field + nextSuffix} {
		if secret == nil {
			break
		}
		raw, ok := secret.Data[f]
		if !ok {
			continue
		}
		key, err := value.NewKey(raw)
		if err == nil {
			err = limits.Key(len(raw))
		}
		switch {
		case err == nil && !slices.Contains(keys, key):
			keys = append(keys, key)
		case err != nil && f == field:
			o.Report(secret.Ref, "data."+f, "all paths of the Namespace answer 403: the API key can't be used: %v; write a key of 1 to %d bytes, or remove the field to demand none", err, limits.KeyBytes)
			return table.Auth{Closed: true}
		case err != nil && len(keys) > 0:
			o.Report(secret.Ref, "data."+f, "the second API key is ignored: %v", err)
		case err != nil:
			o.Report(secret.Ref, "data."+f, "all paths of the Namespace answer 403: it is the only API key, and can't be used: %v; write a key of 1 to %d bytes, or remove the field to demand none", err, limits.KeyBytes)
			return table.Auth{Closed: true}
		}
	}
	if len(keys) == 0 && required {
		o.Report(ns.Ref, o.Annotation, "all its paths answer 403: it must have an API key, and there is none; "+
			"create it with: kubectl create secret generic %s --from-literal=%s=KEY --namespace=%s", o.SecretName, field, ns.Name)
		return table.Auth{Closed: true}
	}
	return table.Auth{Keys: keys}
}

// requires reports whether a Namespace must not be served without an API
// key. Any value but an empty one counts, so that a typing error closes.
func (o Options) requires(ns *cluster.Namespace) bool {
	key := o.Annotation
	text := ns.Annotations[key]
	if text != "" && text != "required" {
		o.Report(ns.Ref, key, "%s is unknown and counts as \"required\", the only value there is", cluster.Quote(text))
	}
	return text != "" || o.Required
}
