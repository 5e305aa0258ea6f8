package route

import (
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/value"
)

// nextSuffix marks the field with a second key that is accepted while clients
// change from one to the other.
const nextSuffix = "-next"

// auth decides what requests to a Namespace's paths must bring along. Whatever
// is demanded and can't be checked closes the paths.
func (b *builder) auth(ns *cluster.Namespace) Auth {
	required := b.requiresAuth(ns)
	secret := b.secrets[ns.Name]
	field := b.opts.APIKeyField
	if secret != nil && secret.Unreadable {
		b.problem(secret.Ref, "data", "all paths of the Namespace answer 403: the Secret can't be read, and it may hold an API key; correct it")
		return Auth{Closed: true}
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
		switch {
		case err == nil && !slices.Contains(keys, key):
			keys = append(keys, key)
		case err != nil && f == field:
			b.problem(secret.Ref, "data."+f, "all paths of the Namespace answer 403: the API key can't be used: %v; write a key of 1 to %d bytes, or remove the field to demand none", err, value.MaxKey)
			return Auth{Closed: true}
		case err != nil && len(keys) > 0:
			b.problem(secret.Ref, "data."+f, "the second API key is ignored: %v", err)
		case err != nil:
			b.problem(secret.Ref, "data."+f, "all paths of the Namespace answer 403: it is the only API key, and can't be used: %v; write a key of 1 to %d bytes, or remove the field to demand none", err, value.MaxKey)
			return Auth{Closed: true}
		}
	}
	if len(keys) == 0 && required {
		b.problem(ns.Ref, b.opts.AuthAnnotation, "all its paths answer 403: it must have an API key, and there is none; "+
			"create it with: kubectl create secret generic %s --from-literal=%s=KEY --namespace=%s", b.opts.SecretName, field, ns.Name)
		return Auth{Closed: true}
	}
	return Auth{Keys: keys}
}

// requiresAuth reports whether a Namespace must not be served without an API
// key. Any value but an empty one counts, so that a typing error closes.
func (b *builder) requiresAuth(ns *cluster.Namespace) bool {
	key := b.opts.AuthAnnotation
	text := ns.Annotations[key]
	if text != "" && text != "required" {
		b.problem(ns.Ref, key, "%s is unknown and counts as \"required\", the only value there is", cluster.Quote(text))
	}
	return text != "" || b.opts.APIKeyRequired
}
